// The all-pairs echo matrix of `goldpath bench matrix N`, by raw system calls: N containers on one bridge, two threads.
//   unshare --net ./matrix N
#include "lib.h"
enum { BURST = 64, PAYLOAD = 56, THREADS = 2, REPLY_MS = 1000 };
static int n;
static int *ping_fds;
static char *heard; // n * n
static uint32_t address(int i) { return htonl(0x0a630000u + i + 2); }
static void mac(int i, uint8_t *m) {
    uint8_t v[6] = {2, 0x42, 10, 99, (i + 2) >> 8, (i + 2) & 255};
    memcpy(m, v, 6);
}
static void receive(int from) {
    static __thread uint8_t buf[BURST][8 + PAYLOAD];
    struct mmsghdr m[BURST];
    struct iovec v[BURST];
    int got;
    do {
        memset(m, 0, sizeof m);
        for (int k = 0; k < BURST; k++) {
            v[k] = (struct iovec){buf[k], sizeof buf[k]};
            m[k].msg_hdr.msg_iov = &v[k];
            m[k].msg_hdr.msg_iovlen = 1;
        }
        got = recvmmsg(ping_fds[from], m, BURST, MSG_DONTWAIT, 0);
        for (int k = 0; k < got; k++) {
            int to = buf[k][6] << 8 | buf[k][7];
            if (to < n) heard[(size_t)from * n + to] = 1;
        }
    } while (got == BURST);
}
static void ask(int from, int to_first, int to_end) {
    static __thread uint8_t buf[BURST][8 + PAYLOAD];
    struct mmsghdr m[BURST];
    struct iovec v[BURST];
    struct sockaddr_in a[BURST];
    int k = 0;
    memset(m, 0, sizeof m);
    for (int to = to_first; to < to_end; to++) {
        if (to == from) continue;
        mk_icmp(buf[k], 0, to, PAYLOAD);
        v[k] = (struct iovec){buf[k], sizeof buf[k]};
        a[k] = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = address(to)};
        m[k].msg_hdr = (struct msghdr){.msg_name = &a[k], .msg_namelen = sizeof a[k], .msg_iov = &v[k], .msg_iovlen = 1};
        k++;
    }
    for (int sent = 0, r; sent < k; sent += r)
        if ((r = sendmmsg(ping_fds[from], m + sent, k - sent, 0)) <= 0) DIE("sendmmsg");
}
static int wait_row(int from) {
    uint64_t until = now() + REPLY_MS * 1000000ull;
    for (;;) {
        int answered = 0;
        for (int to = 0; to < n; to++) answered += heard[(size_t)from * n + to];
        if (answered >= n - 1 || now() >= until) return answered;
        struct pollfd p = {ping_fds[from], POLLIN, 0};
        poll(&p, 1, REPLY_MS);
        receive(from);
    }
}
static void *rows(void *arg) {
    long t = (long)arg, share = (n + THREADS - 1) / THREADS, answered = 0;
    long end = (t + 1) * share < n ? (t + 1) * share : n;
    for (int from = t * share; from < end; from++)
        for (int to = 0; to < n; to += BURST) {
            ask(from, to, to + BURST < n ? to + BURST : n);
            receive(from);
        }
    for (int from = t * share; from < end; from++) answered += wait_row(from);
    return (void *)answered;
}
int main(int argc, char **argv) {
    n = argc > 1 ? atoi(argv[1]) : 100;
    if (n < 2 || n > 1023) DIE("containers: 2 to 1023");
    struct rlimit files = {65536, 65536};
    setrlimit(RLIMIT_NOFILE, &files);
    ping_fds = calloc(n, sizeof *ping_fds);
    heard = calloc(n, n);
    int host = self_ns(), host_rt = nl_sock(NETLINK_ROUTE);
    nlb b;
    nl_init(&b);
    wr("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
    rt_bridge(&b, "br0", 1000, 1);
    nl_go(&b, host_rt);
    uint64_t t0 = now();
    for (int i = 0; i < n; i++) {
        uint8_t own[6], other[6];
        char name[16];
        if (unshare(CLONE_NEWNET)) DIE("unshare");
        int ns = self_ns(), rt = nl_sock(NETLINK_ROUTE), size = 2 << 20;
        wr("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
        wr("/proc/sys/net/ipv4/ping_group_range", "0 0");
        if ((ping_fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP)) < 0) DIE("ping socket");
        setsockopt(ping_fds[i], SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
        if (setns(host, CLONE_NEWNET)) DIE("setns");
        mac(i, own);
        snprintf(name, sizeof name, "veth%d", i);
        rt_veth(&b, name, 2000 + i, 1000, 1, 0, "eth0", 2, ns, 0, own);
        nl_go(&b, host_rt);
        rt_link_set(&b, 2, IFF_UP, IFF_UP);
        rt_addr32(&b, 2, address(i), 16);
        for (int k = 0; k < n; k++)
            if (k != i) {
                mac(k, other);
                rt_neigh(&b, 2, address(k), other);
            }
        nl_go(&b, rt);
        close(ns);
        close(rt);
    }
    double build_ms = us(t0, now()) / 1000;
    // The bridge learns where everybody is; before, it would send each frame to every port.
    for (int i = 0; i < n; i++) ask(i, i == 0, (i == 0) + 1);
    for (int i = 0; i < n; i++) receive(i);
    memset(heard, 0, (size_t)n * n);
    long answered = 0;
    pthread_t thread[THREADS];
    t0 = now();
    for (long t = 0; t < THREADS; t++) pthread_create(&thread[t], 0, rows, (void *)t);
    for (int t = 0; t < THREADS; t++) {
        void *part;
        pthread_join(thread[t], &part);
        answered += (long)part;
    }
    double asked = us(t0, now()) / 1e6;
    long probes = (long)n * (n - 1);
    printf("{\"containers\":%d,\"build_ms\":%.1f,\"probes\":%ld,\"answered\":%ld,\"probes_per_second\":%.0f}\n", n, build_ms,
           probes, answered, probes / asked);
    return answered == probes ? 0 : 1;
}
