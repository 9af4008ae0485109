#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
#include <stdarg.h>
#include <unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <time.h>
#include <poll.h>
#include <signal.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sys/syscall.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <net/if.h>
#include <net/ethernet.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/filter.h>

static inline uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}
static inline double us(uint64_t a, uint64_t b) { return (b - a) / 1000.0; }
#define DIE(...)                                                                                                       \
    do {                                                                                                               \
        fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                                                \
        fprintf(stderr, __VA_ARGS__);                                                                                  \
        fprintf(stderr, ": %s\n", strerror(errno));                                                                    \
        exit(1);                                                                                                       \
    } while (0)

/* ---- netlink builder ---- */
typedef struct {
    char *b;
    size_t len, cap;
    struct nlmsghdr *cur;
    size_t curoff;
    uint32_t seq;
    int nmsg;
} nlb;
static void nl_init(nlb *n) {
    n->cap = 1 << 20;
    n->b = malloc(n->cap);
    n->len = 0;
    n->nmsg = 0;
    n->seq = 1;
}
static void nl_reset(nlb *n) {
    n->len = 0;
    n->nmsg = 0;
}
static void nl_room(nlb *n, size_t k) {
    while (n->len + k > n->cap) {
        n->cap *= 2;
        n->b = realloc(n->b, n->cap);
    }
}
static inline struct nlmsghdr *nl_cur(nlb *n) { return (void *)(n->b + n->curoff); }
static void nl_begin(nlb *n, int type, int flags, const void *hdr, size_t hl) {
    nl_room(n, 4096);
    n->len = NLMSG_ALIGN(n->len);
    n->curoff = n->len;
    struct nlmsghdr *h = nl_cur(n);
    memset(h, 0, NLMSG_HDRLEN + NLMSG_ALIGN(hl));
    h->nlmsg_type = type;
    h->nlmsg_flags = NLM_F_REQUEST | flags;
    h->nlmsg_seq = n->seq++;
    memcpy((char *)h + NLMSG_HDRLEN, hdr, hl);
    n->len += NLMSG_HDRLEN + NLMSG_ALIGN(hl);
    n->nmsg++;
}
static void nl_end(nlb *n) { nl_cur(n)->nlmsg_len = n->len - n->curoff; }
static void nl_attr(nlb *n, int t, const void *d, size_t l) {
    nl_room(n, l + 64);
    struct nlattr *a = (void *)(n->b + n->len);
    a->nla_type = t;
    a->nla_len = NLA_HDRLEN + l;
    memset((char *)a + NLA_HDRLEN, 0, NLA_ALIGN(l));
    if (l) memcpy((char *)a + NLA_HDRLEN, d, l);
    n->len += NLA_HDRLEN + NLA_ALIGN(l);
}
static void nl_str(nlb *n, int t, const char *s) { nl_attr(n, t, s, strlen(s) + 1); }
static void nl_u32(nlb *n, int t, uint32_t v) { nl_attr(n, t, &v, 4); }
static void nl_u8(nlb *n, int t, uint8_t v) { nl_attr(n, t, &v, 1); }
static void nl_be32(nlb *n, int t, uint32_t v) {
    v = htonl(v);
    nl_attr(n, t, &v, 4);
}
static size_t nl_nest(nlb *n, int t) {
    size_t o = n->len;
    nl_attr(n, t | NLA_F_NESTED, 0, 0);
    return o;
}
static void nl_unnest(nlb *n, size_t o) { ((struct nlattr *)(n->b + o))->nla_len = n->len - o; }

static int nl_sock(int proto) {
    int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, proto);
    if (s < 0) DIE("nl socket");
    int one = 1;
    setsockopt(s, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof one);
    setsockopt(s, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof one);
    int sz = 8 << 20;
    setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &sz, sizeof sz);
    setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &sz, sizeof sz);
    return s;
}
/* send batch; last message must carry NLM_F_ACK; wait for ack of last seq; die on error */
static int nl_try(nlb *n, int s, uint32_t ackseq) {
    struct sockaddr_nl a = {.nl_family = AF_NETLINK};
    if (sendto(s, n->b, n->len, 0, (void *)&a, sizeof a) < 0) DIE("nl send");
    static __thread char buf[65536];
    for (;;) {
        ssize_t r = recv(s, buf, sizeof buf, 0);
        if (r < 0) DIE("nl recv");
        for (struct nlmsghdr *h = (void *)buf; NLMSG_OK(h, r); h = NLMSG_NEXT(h, r)) {
            if (h->nlmsg_type == NLMSG_ERROR) {
                struct nlmsgerr *e = NLMSG_DATA(h);
                if (e->error) {
                    errno = -e->error;
                    if (h->nlmsg_flags & NLM_F_ACK_TLVS) {
                        struct nlattr *at = (void *)((char *)h + NLMSG_HDRLEN + sizeof(*e));
                        if ((char *)at < (char *)h + h->nlmsg_len && at->nla_type == 1)
                            fprintf(stderr, "extack: %s\n", (char *)at + 4);
                    }
                    fprintf(stderr, "nl error seq=%u: %s\n", h->nlmsg_seq, strerror(errno));
                    return e->error;
                }
                if (h->nlmsg_seq == ackseq) return 0;
            }
        }
    }
}
static void nl_go(nlb *n, int s) { /* flags ack on last */
    nl_cur(n)->nlmsg_flags |= NLM_F_ACK;
    if (nl_try(n, s, n->seq - 1)) DIE("netlink batch failed");
    nl_reset(n);
}

/* ---- rtnl helpers ---- */
static void rt_link_set(nlb *n, int idx, unsigned flags, unsigned change) {
    struct ifinfomsg i = {.ifi_index = idx, .ifi_flags = flags, .ifi_change = change};
    nl_begin(n, RTM_NEWLINK, 0, &i, sizeof i);
    nl_end(n);
}
static const uint8_t MAC_BRG[6] = {2, 0x42, 10, 55, 66, 1};
static void rt_bridge(nlb *n, const char *name, int idx, int up) {
    struct ifinfomsg i = {.ifi_index = idx, .ifi_flags = up ? IFF_UP : 0, .ifi_change = up ? IFF_UP : 0};
    nl_begin(n, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &i, sizeof i);
    nl_str(n, IFLA_IFNAME, name);
    nl_attr(n, IFLA_ADDRESS, MAC_BRG, 6);
    size_t o = nl_nest(n, IFLA_LINKINFO);
    nl_str(n, IFLA_INFO_KIND, "bridge");
    nl_unnest(n, o);
    nl_end(n);
}
/* veth: local (idx,name,master,up,mac?) peer (pidx,pname,pnsfd,pup) */
static int g_q1 = 1;
static void rt_veth(nlb *n, const char *name, int idx, int master, int up, const uint8_t *mac, const char *pname,
                    int pidx, int pnsfd, int pup, const uint8_t *pmac) {
    struct ifinfomsg i = {.ifi_index = idx, .ifi_flags = up ? IFF_UP : 0, .ifi_change = up ? IFF_UP : 0};
    nl_begin(n, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &i, sizeof i);
    nl_str(n, IFLA_IFNAME, name);
    if (mac) nl_attr(n, IFLA_ADDRESS, mac, 6);
    if (master) nl_u32(n, IFLA_MASTER, master);
    if (g_q1) {
        nl_u32(n, IFLA_NUM_TX_QUEUES, 1);
        nl_u32(n, IFLA_NUM_RX_QUEUES, 1);
    }
    size_t o = nl_nest(n, IFLA_LINKINFO);
    nl_str(n, IFLA_INFO_KIND, "veth");
    size_t d = nl_nest(n, IFLA_INFO_DATA);
    size_t p = nl_nest(n, VETH_INFO_PEER);
    struct ifinfomsg pi = {.ifi_index = pidx, .ifi_flags = pup ? IFF_UP : 0, .ifi_change = pup ? IFF_UP : 0};
    nl_room(n, 64);
    memcpy(n->b + n->len, &pi, sizeof pi);
    n->len += NLMSG_ALIGN(sizeof pi);
    nl_str(n, IFLA_IFNAME, pname);
    if (pmac) nl_attr(n, IFLA_ADDRESS, pmac, 6);
    if (pnsfd >= 0) nl_u32(n, IFLA_NET_NS_FD, pnsfd);
    if (g_q1) {
        nl_u32(n, IFLA_NUM_TX_QUEUES, 1);
        nl_u32(n, IFLA_NUM_RX_QUEUES, 1);
    }
    nl_unnest(n, p);
    nl_unnest(n, d);
    nl_unnest(n, o);
    nl_end(n);
}
static void rt_addr(nlb *n, int idx, const char *ip, int plen) {
    struct ifaddrmsg a = {.ifa_family = AF_INET, .ifa_prefixlen = plen, .ifa_index = idx, .ifa_scope = 0};
    uint32_t v = inet_addr(ip);
    nl_begin(n, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &a, sizeof a);
    nl_attr(n, IFA_LOCAL, &v, 4);
    nl_attr(n, IFA_ADDRESS, &v, 4);
    nl_end(n);
}
static void rt_addr32(nlb *n, int idx, uint32_t v, int plen) {
    struct ifaddrmsg a = {.ifa_family = AF_INET, .ifa_prefixlen = plen, .ifa_index = idx, .ifa_scope = 0};
    nl_begin(n, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &a, sizeof a);
    nl_attr(n, IFA_LOCAL, &v, 4);
    nl_attr(n, IFA_ADDRESS, &v, 4);
    nl_end(n);
}
static void rt_defroute(nlb *n, const char *gw, int oif) {
    struct rtmsg r = {.rtm_family = AF_INET,
                      .rtm_table = RT_TABLE_MAIN,
                      .rtm_protocol = RTPROT_BOOT,
                      .rtm_scope = RT_SCOPE_UNIVERSE,
                      .rtm_type = RTN_UNICAST};
    uint32_t v = inet_addr(gw);
    nl_begin(n, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &r, sizeof r);
    nl_attr(n, RTA_GATEWAY, &v, 4);
    nl_u32(n, RTA_OIF, oif);
    nl_end(n);
}
static void rt_neigh(nlb *n, int idx, uint32_t ip, const uint8_t *mac) {
    struct ndmsg d = {.ndm_family = AF_INET, .ndm_ifindex = idx, .ndm_state = NUD_PERMANENT};
    nl_begin(n, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &d, sizeof d);
    nl_attr(n, NDA_DST, &ip, 4);
    nl_attr(n, NDA_LLADDR, mac, 6);
    nl_end(n);
}
static void rt_del(nlb *n, int idx) {
    struct ifinfomsg i = {.ifi_index = idx};
    nl_begin(n, RTM_DELLINK, 0, &i, sizeof i);
    nl_end(n);
}

/* ---- nft helpers ---- */
static void nf_begin(nlb *n, int type, int flags, int fam, int resid) {
    struct nfgenmsg g = {.nfgen_family = fam, .version = 0, .res_id = htons(resid)};
    nl_begin(n, type, flags, &g, sizeof g);
}
#define NFT(t) ((NFNL_SUBSYS_NFTABLES << 8) | (t))
static void nft_batch_begin(nlb *n) {
    nf_begin(n, NFNL_MSG_BATCH_BEGIN, 0, 0, NFNL_SUBSYS_NFTABLES);
    nl_end(n);
}
static void nft_batch_end(nlb *n) {
    nf_begin(n, NFNL_MSG_BATCH_END, 0, 0, NFNL_SUBSYS_NFTABLES);
    nl_end(n);
}
static void nft_table(nlb *n, int fam, const char *t) {
    nf_begin(n, NFT(NFT_MSG_NEWTABLE), NLM_F_CREATE, fam, 0);
    nl_str(n, NFTA_TABLE_NAME, t);
    nl_end(n);
}
static void nft_chain(nlb *n, int fam, const char *t, const char *c, const char *type, int hook, int prio, int policy) {
    nf_begin(n, NFT(NFT_MSG_NEWCHAIN), NLM_F_CREATE, fam, 0);
    nl_str(n, NFTA_CHAIN_TABLE, t);
    nl_str(n, NFTA_CHAIN_NAME, c);
    if (type) {
        size_t h = nl_nest(n, NFTA_CHAIN_HOOK);
        nl_be32(n, NFTA_HOOK_HOOKNUM, hook);
        nl_be32(n, NFTA_HOOK_PRIORITY, prio);
        nl_unnest(n, h);
        nl_be32(n, NFTA_CHAIN_POLICY, policy);
        nl_str(n, NFTA_CHAIN_TYPE, type);
        size_t k = nl_nest(n, NFTA_CHAIN_COUNTERS);
        uint64_t z = 0;
        nl_attr(n, NFTA_COUNTER_BYTES, &z, 8);
        nl_attr(n, NFTA_COUNTER_PACKETS, &z, 8);
        nl_unnest(n, k);
    }
    nl_end(n);
}
typedef struct {
    size_t ex;
} nftr;
static nftr nft_rule(nlb *n, int fam, const char *t, const char *c) {
    nf_begin(n, NFT(NFT_MSG_NEWRULE), NLM_F_CREATE | NLM_F_APPEND, fam, 0);
    nl_str(n, NFTA_RULE_TABLE, t);
    nl_str(n, NFTA_RULE_CHAIN, c);
    nftr r = {nl_nest(n, NFTA_RULE_EXPRESSIONS)};
    return r;
}
static void nft_rule_end(nlb *n, nftr r) {
    nl_unnest(n, r.ex);
    nl_end(n);
}
#define EXPR(n, name, body)                                                                                            \
    do {                                                                                                               \
        size_t _e = nl_nest(n, NFTA_LIST_ELEM);                                                                        \
        nl_str(n, NFTA_EXPR_NAME, name);                                                                               \
        size_t _d = nl_nest(n, NFTA_EXPR_DATA);                                                                        \
        body;                                                                                                          \
        nl_unnest(n, _d);                                                                                              \
        nl_unnest(n, _e);                                                                                              \
    } while (0)
static void ex_cmp(nlb *n, const void *d, size_t l) {
    EXPR(n, "cmp", {
        nl_be32(n, NFTA_CMP_SREG, NFT_REG_1);
        nl_be32(n, NFTA_CMP_OP, NFT_CMP_EQ);
        size_t v = nl_nest(n, NFTA_CMP_DATA);
        nl_attr(n, NFTA_DATA_VALUE, d, l);
        nl_unnest(n, v);
    });
}
static void ex_ifname(nlb *n, int key, const char *nm) {
    char b[16] = {0};
    strncpy(b, nm, 15);
    EXPR(n, "meta", {
        nl_be32(n, NFTA_META_DREG, NFT_REG_1);
        nl_be32(n, NFTA_META_KEY, key);
    });
    ex_cmp(n, b, 16);
}
static void ex_saddr(nlb *n, const char *ip) {
    uint32_t v = inet_addr(ip);
    EXPR(n, "payload", {
        nl_be32(n, NFTA_PAYLOAD_DREG, NFT_REG_1);
        nl_be32(n, NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
        nl_be32(n, NFTA_PAYLOAD_OFFSET, 12);
        nl_be32(n, NFTA_PAYLOAD_LEN, 4);
    });
    ex_cmp(n, &v, 4);
}
static void ex_counter(nlb *n) {
    uint64_t z = 0;
    EXPR(n, "counter", {
        nl_attr(n, NFTA_COUNTER_BYTES, &z, 8);
        nl_attr(n, NFTA_COUNTER_PACKETS, &z, 8);
    });
}
static void ex_verdict(nlb *n, int code) {
    EXPR(n, "immediate", {
        nl_be32(n, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
        size_t v = nl_nest(n, NFTA_IMMEDIATE_DATA);
        size_t w = nl_nest(n, NFTA_DATA_VERDICT);
        nl_be32(n, NFTA_VERDICT_CODE, code);
        nl_unnest(n, w);
        nl_unnest(n, v);
    });
}
static void ex_masq(nlb *n) { EXPR(n, "masq", {}); }
static void ex_settrace(nlb *n) {
    uint8_t one = 1;
    EXPR(n, "immediate", {
        nl_be32(n, NFTA_IMMEDIATE_DREG, NFT_REG_1);
        size_t v = nl_nest(n, NFTA_IMMEDIATE_DATA);
        nl_attr(n, NFTA_DATA_VALUE, &one, 1);
        nl_unnest(n, v);
    });
    EXPR(n, "meta", {
        nl_be32(n, NFTA_META_SREG, NFT_REG_1);
        nl_be32(n, NFTA_META_KEY, NFT_META_NFTRACE);
    });
}
/* batch commit: ack on the last message before BATCH_END */
static void nft_go(nlb *n, int s) {
    nl_cur(n)->nlmsg_flags |= NLM_F_ACK;
    uint32_t ack = n->seq - 1;
    nft_batch_end(n);
    if (nl_try(n, s, ack)) DIE("nft batch");
    nl_reset(n);
}

/* ---- sysctl, misc ---- */
static int wr(const char *p, const char *v) {
    int f = open(p, O_WRONLY | O_CLOEXEC);
    if (f < 0) return -1;
    int r = write(f, v, strlen(v));
    close(f);
    return r < 0 ? -1 : 0;
}
static uint16_t csum(const void *d, size_t l) {
    const uint16_t *p = d;
    uint32_t s = 0;
    while (l > 1) {
        s += *p++;
        l -= 2;
    }
    if (l) s += *(uint8_t *)p;
    s = (s >> 16) + (s & 0xffff);
    s += s >> 16;
    return ~s;
}
static size_t mk_icmp(uint8_t *b, uint16_t id, uint16_t seq, size_t pay) {
    memset(b, 0, 8 + pay);
    b[0] = 8;
    memcpy(b + 4, &(uint16_t){htons(id)}, 2);
    memcpy(b + 6, &(uint16_t){htons(seq)}, 2);
    uint16_t c = csum(b, 8 + pay);
    memcpy(b + 2, &c, 2);
    return 8 + pay;
}
#ifndef SIOCGSKNS
#define SIOCGSKNS 0x894C
#endif
static int sock_ns(int s) {
    int f = ioctl(s, SIOCGSKNS);
    if (f < 0) DIE("SIOCGSKNS");
    return f;
}
static void rt_v6none(nlb *n, int idx) {
    struct ifinfomsg i = {.ifi_index = idx};
    nl_begin(n, RTM_NEWLINK, 0, &i, sizeof i);
    size_t o = nl_nest(n, IFLA_AF_SPEC);
    size_t p = nl_nest(n, AF_INET6);
    nl_u8(n, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    nl_unnest(n, p);
    nl_unnest(n, o);
    nl_end(n);
}
static void rt_v4fwd(nlb *n, int idx) {
    struct ifinfomsg i = {.ifi_index = idx};
    nl_begin(n, RTM_NEWLINK, 0, &i, sizeof i);
    size_t o = nl_nest(n, IFLA_AF_SPEC);
    size_t p = nl_nest(n, AF_INET);
    size_t q = nl_nest(n, IFLA_INET_CONF);
    nl_u32(n, 1 /*FORWARDING*/, 1);
    nl_unnest(n, q);
    nl_unnest(n, p);
    nl_unnest(n, o);
    nl_end(n);
}
static int self_ns(void) {
    int f = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (f < 0) DIE("ns open");
    return f;
}

/* stats */
static int dcmp(const void *a, const void *b) {
    double x = *(double *)a, y = *(double *)b;
    return x < y ? -1 : x > y;
}
typedef struct {
    const char *name;
    double *v;
    int n, cap;
} series;
#define MAXS 96
typedef struct {
    series s[MAXS];
    int n;
} stats;
static void st_add(stats *st, const char *name, double v) {
    int i;
    for (i = 0; i < st->n; i++)
        if (st->s[i].name == name || !strcmp(st->s[i].name, name)) break;
    if (i == st->n) {
        if (i >= MAXS) return;
        st->s[i] = (series){name, 0, 0, 0};
        st->n++;
    }
    series *s = &st->s[i];
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 64;
        s->v = realloc(s->v, s->cap * sizeof(double));
    }
    s->v[s->n++] = v;
}
static void st_print(stats *st) {
    printf("%-34s %6s %10s %10s %10s %10s %10s  (us)\n", "what", "n", "min", "median", "mean", "p95", "max");
    for (int i = 0; i < st->n; i++) {
        series *s = &st->s[i];
        qsort(s->v, s->n, sizeof(double), dcmp);
        double m = 0;
        for (int k = 0; k < s->n; k++) m += s->v[k];
        printf("%-34s %6d %10.1f %10.1f %10.1f %10.1f %10.1f\n", s->name, s->n, s->v[0], s->v[s->n / 2], m / s->n,
               s->v[(int)(s->n * .95)], s->v[s->n - 1]);
    }
}
