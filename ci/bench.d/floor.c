// One 'case' with raw syscalls only. See usage at the bottom.
#include "lib.h"
#include <spawn.h>
static struct {
    int n, warm, jobs, threads, v6, neigh, quiet, pin, reapwait;
    const char *cap, *closem, *fw, *neg;
    double secs;
    int batchns;
    int control, more, verify, skns, fwdnl, pool;
    const char *lw;
} O = {.lw = "sync",
       .n = 50,
       .warm = 3,
       .jobs = 1,
       .v6 = 0,
       .neigh = 0,
       .cap = "perif",
       .closem = "serial",
       .fw = "nft",
       .neg = "counter",
       .verify = 1};
static int rootns;
static __thread stats *ST;
#define REC(name, a, b)                                                                                                \
    do {                                                                                                               \
        if (ST) st_add(ST, name, us(a, b));                                                                            \
    } while (0)
enum { H = 0, C1, C2, EXT, NNS };
typedef struct {
    int fd, rt;
} ns_t;
typedef struct {
    ns_t ns[NNS];
    ns_t more[4];
    int nf;
    int cap[9];
    int ncap;
    int capns[9];
    int icmp;
    int trc;
    uint16_t id;
} lab;
static const uint8_t MAC_C1[6] = {2, 0x42, 10, 55, 66, 2}, MAC_C2[6] = {2, 0x42, 10, 55, 66, 3},
                     MAC_H[6] = {2, 0x42, 10, 0, 2, 15}, MAC_E[6] = {2, 0x42, 10, 0, 2, 2};
extern char **environ;
static int run_in_ns(int nsfd, const char *const *argv, const char *input) { // fork+setns+exec, feed input
    int p[2] = {-1, -1};
    if (input && pipe(p)) DIE("pipe");
    pid_t pid = vfork();
    if (pid == 0) {
        setns(nsfd, CLONE_NEWNET);
        if (input) {
            dup2(p[0], 0);
            close(p[1]);
        }
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    if (input) {
        close(p[0]);
        if (write(p[1], input, strlen(input)) < 0) {
        }
        close(p[1]);
    }
    int stt;
    waitpid(pid, &stt, 0);
    return WIFEXITED(stt) ? WEXITSTATUS(stt) : -1;
}
#define RUN(ns, in, ...)                                                                                               \
    do {                                                                                                               \
        const char *const av[] = {__VA_ARGS__, NULL};                                                                  \
        int r = run_in_ns(ns, av, in);                                                                                 \
        if (r) {                                                                                                       \
            fprintf(stderr, "cmd %s rc=%d\n", av[0], r);                                                               \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)
static void nft_rules(nlb *n, int trace) {
    nftr r;
    nft_batch_begin(n);
    nft_table(n, 2, "filter");
    nft_chain(n, 2, "filter", "FORWARD", "filter", NF_INET_FORWARD, 0, NF_DROP);
    nft_table(n, 2, "nat");
    nft_chain(n, 2, "nat", "POSTROUTING", "nat", NF_INET_POST_ROUTING, 100, NF_ACCEPT);
    r = nft_rule(n, 2, "filter", "FORWARD");
    ex_ifname(n, NFT_META_IIFNAME, "eth0");
    ex_ifname(n, NFT_META_OIFNAME, "hwchiu0");
    ex_counter(n);
    ex_verdict(n, NF_ACCEPT);
    nft_rule_end(n, r);
    r = nft_rule(n, 2, "filter", "FORWARD");
    ex_ifname(n, NFT_META_IIFNAME, "hwchiu0");
    ex_ifname(n, NFT_META_OIFNAME, "eth0");
    ex_counter(n);
    ex_verdict(n, NF_ACCEPT);
    nft_rule_end(n, r);
    r = nft_rule(n, 2, "nat", "POSTROUTING");
    ex_saddr(n, "10.55.66.2");
    ex_ifname(n, NFT_META_OIFNAME, "eth0");
    ex_counter(n);
    ex_masq(n);
    nft_rule_end(n, r);
    if (trace) {
        nft_table(n, 2, "trc");
        nft_chain(n, 2, "trc", "PRE", "filter", NF_INET_PRE_ROUTING, -350, NF_ACCEPT);
        r = nft_rule(n, 2, "trc", "PRE");
        ex_saddr(n, "10.55.66.2");
        ex_settrace(n);
        nft_rule_end(n, r);
    }
}
static uint64_t policy_count(nlb *n, int s, const char *tab, const char *ch) {
    nf_begin(n, NFT(NFT_MSG_GETCHAIN), 0, 2, 0);
    nl_str(n, NFTA_CHAIN_TABLE, tab);
    nl_str(n, NFTA_CHAIN_NAME, ch);
    nl_end(n);
    struct sockaddr_nl a = {.nl_family = AF_NETLINK};
    if (sendto(s, n->b, n->len, 0, (void *)&a, sizeof a) < 0) DIE("send");
    nl_reset(n);
    char b[8192];
    ssize_t r = recv(s, b, sizeof b, 0);
    struct nlmsghdr *h = (void *)b;
    if (r <= 0 || h->nlmsg_type == NLMSG_ERROR) DIE("getchain");
    int l = h->nlmsg_len - NLMSG_HDRLEN - 4;
    struct nlattr *at = (void *)((char *)h + NLMSG_HDRLEN + 4);
    for (; l >= (int)sizeof *at; l -= NLA_ALIGN(at->nla_len), at = (void *)((char *)at + NLA_ALIGN(at->nla_len)))
        if ((at->nla_type & NLA_TYPE_MASK) == NFTA_CHAIN_COUNTERS) {
            int m = at->nla_len - 4;
            struct nlattr *k = (void *)((char *)at + 4);
            for (; m >= (int)sizeof *k; m -= NLA_ALIGN(k->nla_len), k = (void *)((char *)k + NLA_ALIGN(k->nla_len)))
                if ((k->nla_type & NLA_TYPE_MASK) == NFTA_COUNTER_PACKETS) {
                    uint64_t v;
                    memcpy(&v, (char *)k + 4, 8);
                    return __builtin_bswap64(v);
                }
        }
    return (uint64_t)-1;
}
static void cap_bind(int s, int idx) {
    struct sockaddr_ll sl = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = idx};
    if (bind(s, (void *)&sl, sizeof sl)) DIE("bind cap");
}
static void ring_on(int s) {
    int v = TPACKET_V3;
    setsockopt(s, SOL_PACKET, PACKET_VERSION, &v, sizeof v);
    struct tpacket_req3 rq = {
        .tp_block_size = 1 << 16, .tp_block_nr = 4, .tp_frame_size = 2048, .tp_frame_nr = 128, .tp_retire_blk_tov = 1};
    if (setsockopt(s, SOL_PACKET, PACKET_RX_RING, &rq, sizeof rq)) DIE("ring");
    if (mmap(0, 4 << 16, PROT_READ | PROT_WRITE, MAP_SHARED, s, 0) == MAP_FAILED) DIE("mmap");
}
static void ns_part(lab *L, int only) {
    int perns = !strcmp(O.cap, "perns"), ring = !strcmp(O.cap, "ring"), nocap = !strcmp(O.cap, "none");
    if (only < 0) L->ncap = 0;
    static const int order[NNS] = {C1, C2, EXT, H};
    for (int k = 0; k < NNS; k++) {
        int i = order[k];
        if (only >= 0 && only != k) continue;
        if (unshare(CLONE_NEWNET)) DIE("unshare");
        L->ns[i].rt = nl_sock(NETLINK_ROUTE);
        L->ns[i].fd = O.skns ? sock_ns(L->ns[i].rt) : self_ns();
        if (O.v6 == 0) {
            wr("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
            wr("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
        }
        if (i == C1) {
            L->icmp = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
        }
        if (!nocap) {
            int c = (i == H && !perns) ? 3 : (i == C2 && !perns) ? 0 : 1;
            if (i == C2) c = 0;
            for (int q = 0; q < c; q++) {
                int s = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
                if (s < 0) DIE("pf_packet");
                if (ring) ring_on(s);
                int x = __sync_fetch_and_add(&L->ncap, 1);
                L->capns[x] = i;
                L->cap[x] = s;
            }
        }
        if (i == H) {
            L->nf = nl_sock(NETLINK_NETFILTER);
            if (!O.fwdnl) {
                if (wr("/proc/sys/net/ipv4/ip_forward", "1")) DIE("ipfwd");
            }
            if (O.fwdnl < 1) wr("/proc/sys/net/bridge/bridge-nf-call-iptables", "1");
        }
    }
}
typedef struct {
    lab *L;
    int k;
} nsarg;
static void *ns_thr(void *p) {
    nsarg *a = p;
    ns_part(a->L, a->k);
    return 0;
}
static pthread_mutex_t pm = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t pc = PTHREAD_COND_INITIALIZER;
static lab pq[4];
static int pn, pstop;
static void *pool_thr(void *p) {
    for (;;) {
        lab L;
        memset(&L, 0, sizeof L);
        ns_part(&L, -1);
        pthread_mutex_lock(&pm);
        while (pn >= 2 && !pstop) pthread_cond_wait(&pc, &pm);
        if (pstop) {
            pthread_mutex_unlock(&pm);
            return 0;
        }
        pq[pn++] = L;
        pthread_cond_broadcast(&pc);
        pthread_mutex_unlock(&pm);
    }
}
static void pool_get(lab *L) {
    uint16_t id = L->id;
    pthread_mutex_lock(&pm);
    while (!pn) pthread_cond_wait(&pc, &pm);
    *L = pq[--pn];
    pthread_cond_broadcast(&pc);
    pthread_mutex_unlock(&pm);
    L->id = id;
}
static void lab_new(lab *L, nlb *n) {
    uint64_t t0 = now(), t;
    int perns = !strcmp(O.cap, "perns"), ring = !strcmp(O.cap, "ring"), nocap = !strcmp(O.cap, "none");
    if (O.pool == 1) pool_get(L);
    else if (O.pool == 2) {
        L->ncap = 0;
        pthread_t th[4];
        struct {
            lab *L;
            int i;
        } ar[4];
        nsarg aa[4];
        for (int k = 0; k < 4; k++) {
            aa[k] = (nsarg){L, k};
            pthread_create(&th[k], 0, ns_thr, &aa[k]);
        }
        for (int k = 0; k < 4; k++) pthread_join(th[k], 0);
        (void)ar;
    } else ns_part(L, -1);
    t = now();
    REC("1 netns x4 + sockets + sysctl", t0, t);
    uint64_t t1 = t;
    rt_bridge(n, "hwchiu0", 10, O.v6 != 2);
    int vu = O.v6 != 2;
    rt_veth(n, "veth0", 11, 10, vu, 0, "eth0", 2, L->ns[C1].fd, 0, MAC_C1);
    rt_veth(n, "veth1", 12, 10, vu, 0, "eth0", 2, L->ns[C2].fd, 0, MAC_C2);
    rt_veth(n, "eth0", 13, 0, vu, MAC_H, "eth0", 2, L->ns[EXT].fd, 0, MAC_E);
    if (O.v6 == 2)
        for (int k = 10; k <= 13; k++) {
            rt_v6none(n, k);
            rt_link_set(n, k, IFF_UP, IFF_UP);
        }
    if (O.fwdnl) {
        rt_v4fwd(n, 10);
        rt_v4fwd(n, 13);
    }
    rt_addr(n, 10, "10.55.66.1", 24);
    rt_addr(n, 13, "10.0.2.15", 24);
    nl_go(n, L->ns[H].rt);
    const char *cip[2] = {"10.55.66.2", "10.55.66.3"};
    for (int i = 0; i < 2; i++) {
        if (O.v6 == 2) rt_v6none(n, 2);
        rt_link_set(n, 2, IFF_UP, IFF_UP);
        rt_addr(n, 2, cip[i], 24);
        rt_defroute(n, "10.55.66.1", 2);
        if (O.neigh) {
            rt_neigh(n, 2, inet_addr(cip[!i]), i ? MAC_C1 : MAC_C2);
            rt_neigh(n, 2, inet_addr("10.55.66.1"), MAC_BRG);
        }
        nl_go(n, L->ns[C1 + i].rt);
    }
    rt_link_set(n, 1, IFF_UP, IFF_UP);
    if (O.v6 == 2) rt_v6none(n, 2);
    rt_link_set(n, 2, IFF_UP, IFF_UP);
    rt_addr(n, 1, "8.8.8.8", 32);
    rt_addr(n, 2, "10.0.2.2", 24);
    if (O.neigh) rt_neigh(n, 2, inet_addr("10.0.2.15"), MAC_H);
    nl_go(n, L->ns[EXT].rt);
    uint64_t tl = now();
    if (!strcmp(O.lw, "sync")) {
        static const int ix[4] = {11, 12, 13, 10};
        for (int k = 0; k < 4; k++) {
            struct ifinfomsg im = {.ifi_index = ix[k]};
            nl_begin(n, RTM_GETLINK, 0, &im, sizeof im);
            nl_u32(n, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
            nl_end(n);
        }
    } else if (!strncmp(O.lw, "sleep", 5)) usleep(atoi(O.lw + 5));
    (void)tl;
    rt_defroute(n, "10.0.2.2", 13);
    if (O.neigh) {
        rt_neigh(n, 13, inet_addr("10.0.2.2"), MAC_E);
        rt_neigh(n, 10, inet_addr("10.55.66.2"), MAC_C1);
        rt_neigh(n, 10, inet_addr("10.55.66.3"), MAC_C2);
    }
    nl_go(n, L->ns[H].rt);
    t = now();
    REC("2 links+addr+routes (netlink)", t1, t);
    t1 = t;
    const char *ir = "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -i eth0 -o hwchiu0 -j ACCEPT\n-A FORWARD -i hwchiu0 -o "
                     "eth0 -j ACCEPT\nCOMMIT\n*nat\n-A POSTROUTING -s 10.55.66.2/32 -o eth0 -j MASQUERADE\nCOMMIT\n";
    if (!strcmp(O.fw, "nft")) {
        nft_rules(n, 0);
        nft_go(n, L->nf);
    } else if (!strcmp(O.fw, "nft-f"))
        RUN(L->ns[H].fd,
            "table ip filter {\n chain FORWARD {\n type filter hook forward priority 0; policy drop;\n iifname "
            "\"eth0\" oifname \"hwchiu0\" counter accept\n iifname \"hwchiu0\" oifname \"eth0\" counter accept\n "
            "}\n}\ntable ip nat {\n chain POSTROUTING {\n type nat hook postrouting priority 100;\n ip saddr "
            "10.55.66.2 oifname \"eth0\" counter masquerade\n }\n}\n",
            "/usr/sbin/nft", "-f", "-");
    else if (!strcmp(O.fw, "restore-nft")) RUN(L->ns[H].fd, ir, "/usr/sbin/iptables-nft-restore", "--noflush");
    else if (!strcmp(O.fw, "restore-legacy")) RUN(L->ns[H].fd, ir, "/usr/sbin/iptables-legacy-restore", "--noflush");
    else if (!strncmp(O.fw, "cmds-", 5)) {
        const char *b = !strcmp(O.fw, "cmds-nft") ? "/usr/sbin/iptables-nft" : "/usr/sbin/iptables-legacy";
        int h = L->ns[H].fd;
        RUN(h, 0, b, "-w", "-P", "FORWARD", "DROP");
        RUN(h, 0, b, "-w", "-t", "nat", "-I", "POSTROUTING", "-s", "10.55.66.2/32", "-o", "eth0", "-j", "MASQUERADE");
        RUN(h, 0, b, "-w", "-I", "FORWARD", "-i", "hwchiu0", "-o", "eth0", "-j", "ACCEPT");
        RUN(h, 0, b, "-w", "-I", "FORWARD", "-i", "eth0", "-o", "hwchiu0", "-j", "ACCEPT");
    }
    t = now();
    REC("3 firewall", t1, t);
    t1 = t;
    if (!nocap) {
        int hk = 0;
        static const int hidx[3] = {11, 10, 13};
        for (int k = 0; k < L->ncap; k++) {
            cap_bind(L->cap[k], perns ? 0 : L->capns[k] == H ? hidx[hk++] : 2);
        }
    }
    t = now();
    REC("4 capture bind", t1, t);
}
/* Routers between host and outside that a goldpath lab has and the bare case has not: a namespace, a pair and a capture
 * each. */
static void more_nodes(lab *L, nlb *n) {
    char name[16];
    for (int k = 0; k < O.more; k++) {
        if (unshare(CLONE_NEWNET)) DIE("unshare");
        L->more[k].rt = nl_sock(NETLINK_ROUTE);
        L->more[k].fd = sock_ns(L->more[k].rt);
        wr("/proc/sys/net/ipv4/ip_forward", "1");
        int s = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL));
        if (s < 0) DIE("pf_packet");
        L->capns[L->ncap] = -1;
        L->cap[L->ncap++] = s;
        snprintf(name, sizeof name, "more%d", k);
        rt_veth(n, name, 20 + k, 0, 1, 0, "eth0", 2, L->more[k].fd, 0, 0);
        char ip[32];
        snprintf(ip, sizeof ip, "10.9.%d.1", k);
        rt_addr(n, 20 + k, ip, 24);
        nl_go(n, L->ns[EXT].rt);
        ip[strlen(ip) - 1] = '2';
        rt_link_set(n, 1, IFF_UP, IFF_UP);
        rt_link_set(n, 2, IFF_UP, IFF_UP);
        rt_addr(n, 2, ip, 24);
        nl_go(n, L->more[k].rt);
    }
}
static int wait_reply(lab *L, uint16_t seq, int ms) {
    struct pollfd p = {L->icmp, POLLIN, 0};
    uint64_t end = now() + ms * 1000000ull;
    for (;;) {
        int left = (int)((int64_t)(end - now()) / 1000000);
        if (left < 0) left = 0;
        if (poll(&p, 1, left) <= 0) return 0;
        uint8_t b[2048];
        ssize_t r = recv(L->icmp, b, sizeof b, 0);
        if (r < 28) continue;
        uint8_t *ic = b + (b[0] & 15) * 4;
        if (ic[0] == 0 && ic[4] == (L->id >> 8) && ic[5] == (L->id & 255) && ic[6] == (seq >> 8) &&
            ic[7] == (seq & 255))
            return 1;
    }
}
static void ping_send(lab *L, const char *dst, uint16_t seq) {
    uint8_t b[64];
    size_t l = mk_icmp(b, L->id, seq, 56);
    struct sockaddr_in d = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(dst)};
    if (sendto(L->icmp, b, l, 0, (void *)&d, sizeof d) < 0) DIE("ping send");
}
static int drain(lab *L, int *icmpseen) {
    int tot = 0;
    static __thread uint8_t b[32][256];
    struct mmsghdr mm[32];
    struct iovec iv[32];
    struct sockaddr_ll sl[32];
    for (int k = 0; k < L->ncap; k++)
        for (;;) {
            for (int i = 0; i < 32; i++) {
                iv[i] = (struct iovec){b[i], 256};
                mm[i].msg_hdr = (struct msghdr){
                    .msg_name = &sl[i], .msg_namelen = sizeof sl[i], .msg_iov = &iv[i], .msg_iovlen = 1};
            }
            int r = recvmmsg(L->cap[k], mm, 32, MSG_DONTWAIT, 0);
            if (r <= 0) break;
            tot += r;
            for (int i = 0; i < r; i++)
                if (mm[i].msg_len >= 42 && b[i][12] == 8 && b[i][13] == 0 && b[i][23] == 1) (*icmpseen)++;
            if (r < 32) break;
        }
    return tot;
}
static void *closer(void *p) {
    close((int)(intptr_t)p);
    return 0;
}
/* reaper thread */
static pthread_mutex_t rm = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t rc = PTHREAD_COND_INITIALIZER;
static int rq[1 << 16];
static unsigned rh, rtl;
static int rstop;
static void *reaper(void *a) {
    for (;;) {
        pthread_mutex_lock(&rm);
        while (rh == rtl && !rstop) pthread_cond_wait(&rc, &rm);
        if (rh == rtl) {
            pthread_mutex_unlock(&rm);
            return 0;
        }
        int fd = rq[rh++ & 65535];
        pthread_mutex_unlock(&rm);
        close(fd);
    }
}
static __thread int grave[20000], ngrave;
static void lab_free(lab *L) {
    if (!strcmp(O.closem, "serial")) {
        for (int k = 0; k < L->ncap; k++) close(L->cap[k]);
    } else if (!strcmp(O.closem, "parallel")) {
        pthread_t th[5];
        for (int k = 0; k < L->ncap; k++) pthread_create(&th[k], 0, closer, (void *)(intptr_t)L->cap[k]);
        for (int k = 0; k < L->ncap; k++) pthread_join(th[k], 0);
    } else {
        pthread_mutex_lock(&rm);
        for (int k = 0; k < L->ncap; k++) rq[rtl++ & 65535] = L->cap[k];
        pthread_cond_broadcast(&rc);
        pthread_mutex_unlock(&rm);
    }
    close(L->icmp);
    close(L->nf);
    int keep = strstr(O.closem, "grave") != 0;
    for (int k = 0; k < O.more; k++) {
        close(L->more[k].rt);
        if (keep) grave[ngrave++] = L->more[k].fd;
        else close(L->more[k].fd);
    }
    for (int i = 0; i < NNS; i++) {
        close(L->ns[i].rt);
        if (keep) grave[ngrave++] = L->ns[i].fd;
        else close(L->ns[i].fd);
    }
    if (setns(rootns, CLONE_NEWNET)) DIE("setns root");
}
static void one(nlb *n, int it) {
    lab L;
    memset(&L, 0, sizeof L);
    L.id = (getpid() + it) & 0xffff;
    uint64_t t0 = now();
    lab_new(&L, n);
    if (O.more) more_nodes(&L, n);
    uint64_t t1 = now();
    REC("= setup total", t0, t1);
    ping_send(&L, "8.8.8.8", 1);
    uint64_t ts = now();
    REC("5a  sendto() alone", t1, ts);
    if (!strcmp(O.lw, "retry")) {
        int k = 0;
        while (!wait_reply(&L, 1, 0)) {
            usleep(100);
            ping_send(&L, "8.8.8.8", 1);
            if (++k > 100000) {
                fprintf(stderr, "never\n");
                exit(1);
            }
        }
        if (ST) st_add(ST, "retries", k);
    } else if (!wait_reply(&L, 1, 1000)) {
        fprintf(stderr, "positive ping not answered\n");
        exit(1);
    }
    uint64_t t2 = now();
    REC("5 positive ping (first, w/ ARP)", t1, t2);
    int ic = 0;
    int tot = drain(&L, &ic);
    uint64_t t3 = now();
    REC("6 drain captures", t2, t3);
    if (O.verify && strcmp(O.cap, "none") && strcmp(O.cap, "ring") && ic < 10) {
        fprintf(stderr, "captured only %d icmp of %d frames\n", ic, tot);
        exit(1);
    }
    uint64_t before = 0;
    if (!strcmp(O.fw, "nft")) before = policy_count(n, L.nf, "filter", "FORWARD");
    uint64_t t4 = now();
    ping_send(&L, "10.55.66.3", 2);
    if (!strcmp(O.neg, "counter") && !strcmp(O.fw, "nft")) {
        uint64_t c;
        int spins = 0;
        while ((c = policy_count(n, L.nf, "filter", "FORWARD")) == before) {
            if (++spins > 100000) {
                fprintf(stderr, "no drop it=%d\n", it);
                char cmd[1024];
                for (int q = 0; q < 3; q++) {
                    snprintf(
                        cmd, sizeof cmd,
                        "nsenter --net=/proc/%d/fd/%d sh -c 'echo NS%d; ip -s link; ip neigh; bridge link; bridge fdb; "
                        "nft list ruleset; cat /proc/net/snmp | grep -E \"^Ip|Icmp:\"'; cat /proc/net/softnet_stat",
                        getpid(), L.ns[q].fd, q);
                    system(cmd);
                }
                exit(1);
            }
        }
        if (spins && ST) st_add(ST, "7x spins", spins);
        if (wait_reply(&L, 2, 0)) {
            fprintf(stderr, "neg answered!\n");
            exit(1);
        }
    } else if (wait_reply(&L, 2, !strncmp(O.neg, "timeout", 7) ? atoi(O.neg + 7) : 0)) {
        fprintf(stderr, "neg answered\n");
        exit(1);
    }
    uint64_t t5 = now();
    REC("7 negative probe + proof", t4, t5);
    ic = 0;
    drain(&L, &ic);
    uint64_t t6 = now();
    REC("8 drain captures", t5, t6);
    if (O.control) { /* the same processes that the case file has: two of ip, one of iptables; then the drop's control
                      */
        RUN(L.ns[H].fd, 0, "/usr/sbin/ip", "address", "add", "10.55.66.9/24", "dev", "hwchiu0");
        RUN(L.ns[C1].fd, 0, "/usr/sbin/ip", "route", "add", "10.99.0.0/24", "via", "10.55.66.1");
        RUN(L.ns[H].fd, 0, "/usr/sbin/iptables-nft", "-P", "FORWARD", "ACCEPT");
        ping_send(&L, "10.55.66.3", 3);
        if (!wait_reply(&L, 3, 1000)) {
            fprintf(stderr, "control not answered\n");
            exit(1);
        }
        drain(&L, &ic);
        uint64_t tc = now();
        REC("8b commands + control", t6, tc);
        t6 = tc;
    }
    lab_free(&L);
    uint64_t t7 = now();
    REC("9 teardown (user-visible)", t6, t7);
    REC("== CASE TOTAL", t0, t7);
}
/* reaped: wait until ucount of netns in our userns back to 0, via trying unshare with limit */
int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        char *a = argv[i], *v = strchr(a, '=');
        if (!v) {
            fprintf(stderr, "k=v\n");
            return 1;
        }
        *v++ = 0;
        if (!strcmp(a, "n")) O.n = atoi(v);
        else if (!strcmp(a, "jobs")) O.jobs = atoi(v);
        else if (!strcmp(a, "cap")) O.cap = v;
        else if (!strcmp(a, "close")) O.closem = v;
        else if (!strcmp(a, "fw")) O.fw = v;
        else if (!strcmp(a, "neg")) O.neg = v;
        else if (!strcmp(a, "v6")) O.v6 = atoi(v);
        else if (!strcmp(a, "neigh")) O.neigh = atoi(v);
        else if (!strcmp(a, "secs")) O.secs = atof(v);
        else if (!strcmp(a, "quiet")) O.quiet = atoi(v);
        else if (!strcmp(a, "threads")) O.threads = atoi(v);
        else if (!strcmp(a, "pin")) O.pin = atoi(v);
        else if (!strcmp(a, "lw")) O.lw = v;
        else if (!strcmp(a, "pool")) O.pool = atoi(v);
        else if (!strcmp(a, "skns")) O.skns = atoi(v);
        else if (!strcmp(a, "fwdnl")) O.fwdnl = atoi(v);
        else if (!strcmp(a, "control")) O.control = atoi(v);
        else if (!strcmp(a, "more")) O.more = atoi(v);
        else if (!strcmp(a, "q1")) g_q1 = atoi(v);
        else if (!strcmp(a, "warm")) O.warm = atoi(v);
        else if (!strcmp(a, "verify")) O.verify = atoi(v);
        else {
            fprintf(stderr, "unknown %s\n", a);
            return 1;
        }
    }
    rootns = self_ns();
    struct rlimit rl = {20000, 20000};
    setrlimit(RLIMIT_NOFILE, &rl);
    {
        int hi = fcntl(0, F_DUPFD, 16000);
        if (hi >= 0) close(hi);
    } // grow the fd table before any thread exists: expand_files() does synchronize_rcu in a threaded process
    uint64_t t0 = now();
    int pd[2], pg[2];
    if (pipe(pd) || pipe(pg)) DIE("pipe");
    pid_t ch[64];
    for (int j = 1; j < O.jobs; j++) {
        if ((ch[j] = fork()) == 0) {
            O.quiet = 1;
            goto child;
        }
    }
child:;
    if (O.pin) {
        cpu_set_t s;
        CPU_ZERO(&s);
        CPU_SET(getpid() % 2, &s);
        sched_setaffinity(0, sizeof s, &s);
    }
    pthread_t rp[128];
    int nr = 0;
    if (!strncmp(O.closem, "reaper", 6)) {
        nr = O.closem[6] ? atoi(O.closem + 6) : 1;
        for (int i = 0; i < nr; i++) pthread_create(&rp[i], 0, reaper, 0);
    }
    nlb n;
    nl_init(&n);
    stats st = {0};
    pthread_t pt;
    if (O.pool == 1) {
        pthread_create(&pt, 0, pool_thr, 0);
        usleep(5000);
    }
    for (int i = 0; i < O.warm && O.jobs == 1; i++) one(&n, i);
    ST = &st;
    uint64_t a = now();
    for (int i = 0; i < O.n; i++) one(&n, i + 1000);
    uint64_t b = now();
    pthread_mutex_lock(&rm);
    rstop = 1;
    pthread_cond_broadcast(&rc);
    pthread_mutex_unlock(&rm);
    for (int i = 0; i < nr; i++) pthread_join(rp[i], 0);
    uint64_t cc = now();
    if (O.jobs > 1) {
        char x;
        if (O.quiet) {
            close(pg[1]);
            if (write(pd[1], "x", 1) < 0) {
            }
            if (read(pg[0], &x, 1) < 0) {
            }
        } else {
            for (int k = 1; k < O.jobs; k++)
                if (read(pd[0], &x, 1) < 0) {
                }
            cc = now();
            close(pg[1]);
        }
    }
    if (ngrave && !O.quiet) {
        FILE *f = fopen("/proc/meminfo", "r");
        char l[256];
        while (fgets(l, 256, f))
            if (strstr(l, "MemAvailable") || strstr(l, "Slab:") || strstr(l, "SUnreclaim") || strstr(l, "Percpu"))
                printf("  %s", l);
        fclose(f);
    }
    for (int i = 0; i < ngrave; i++) close(grave[i]);
    uint64_t c = now();
    if (O.jobs > 1 && O.quiet) _exit(0);
    for (int j = 1; j < O.jobs; j++) waitpid(ch[j], 0, 0);
    uint64_t e = now();
    if (!O.quiet) {
        st_print(&st);
    }
    printf("cap=%s close=%s fw=%s neg=%s v6=%d neigh=%d jobs=%d: loop %.1f ms/case, incl. reaper join %.1f ms/case; "
           "%.1f cases/s overall\n",
           O.cap, O.closem, O.fw, O.neg, O.v6, O.neigh, O.jobs, us(a, b) / 1000 / O.n, us(a, c) / 1000 / O.n,
           O.n * O.jobs / (us(O.jobs > 1 ? t0 : a, cc) / 1e6));
    (void)e;
}
