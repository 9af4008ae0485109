// wait until the kernel has reaped every network namespace that died before now (netns_wq is ordered): make one, drop
// it, wait for its ucount
#include "lib.h"
int main(void) {
    uint64_t a = now();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET)) DIE("unshare");
    wr("/proc/self/setgroups", "deny");
    wr("/proc/self/uid_map", "0 0 1");
    wr("/proc/self/gid_map", "0 0 1");
    int base = self_ns();
    if (unshare(CLONE_NEWNET)) DIE("ns");
    if (setns(base, CLONE_NEWNET)) DIE("setns");
    if (wr("/proc/sys/user/max_net_namespaces", "2")) DIE("limit");
    while (unshare(CLONE_NEWNET)) {
        if (errno != ENOSPC) DIE("unshare2");
        usleep(1000);
    }
    printf("settled in %.0f ms\n", us(a, now()) / 1000);
}
