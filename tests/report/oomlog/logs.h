// Writes kernel logs for the tests: made-up hosts in the kernel's own form, whole or with parts left out.
#pragma once

#include <string>

namespace oomcast::oomlog {

/// 6.1, one node of 2 GiB without swap: `big` (pid 4700) is killed because `collector` asked.
inline const std::string kHost61 =
    R"([  812.100001] collector invoked oom-killer: gfp_mask=0x140dca(GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO), order=0, oom_score_adj=0
[  812.100010] CPU: 3 PID: 4711 Comm: collector Not tainted 6.1.0-18-amd64 #1  Debian 6.1.76-1
[  812.100200] Mem-Info:
[  812.100201] active_anon:1200 inactive_anon:410000 isolated_anon:0
                active_file:120 inactive_file:230 isolated_file:0
                unevictable:0 dirty:3 writeback:1
                slab_reclaimable:4000 slab_unreclaimable:9000
                mapped:350 shmem:3000 pagetables:1800
                free:12600 free_pcp:64 free_cma:0
[  812.100300] Node 0 active_anon:4800kB inactive_anon:1640000kB active_file:480kB inactive_file:920kB unevictable:0kB isolated(anon):0kB isolated(file):0kB mapped:1400kB dirty:12kB writeback:4kB shmem:12000kB shmem_thp: 0kB shmem_pmdmapped: 0kB anon_thp: 800000kB kernel_stack:3200kB pagetables:7200kB all_unreclaimable? yes
[  812.100310] Node 0 DMA free:7600kB boost:0kB min:360kB low:448kB high:536kB reserved_highatomic:0KB active_anon:0kB inactive_anon:7700kB active_file:0kB inactive_file:0kB unevictable:0kB writepending:0kB present:15992kB managed:15360kB mlocked:0kB bounce:0kB free_pcp:0kB local_pcp:0kB free_cma:0kB
[  812.100311] lowmem_reserve[]: 0 1800 1800 1800 1800
[  812.100320] Node 0 DMA32 free:42800kB boost:4000kB min:48600kB low:59700kB high:70800kB reserved_highatomic:0KB active_anon:4800kB inactive_anon:1632300kB active_file:480kB inactive_file:920kB unevictable:0kB writepending:16kB present:2080640kB managed:1980000kB mlocked:0kB bounce:0kB free_pcp:256kB local_pcp:64kB free_cma:0kB
[  812.100321] lowmem_reserve[]: 0 0 0 0 0
[  812.100340] Node 0 DMA32: 700*4kB (UME) 500*8kB (UME) 2250*16kB (UME) 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 42800kB
[  812.100350] Node 0 hugepages_total=0 hugepages_free=0 hugepages_surp=0 hugepages_size=2048kB
[  812.100360] 3350 total pagecache pages
[  812.100362] Free swap  = 0kB
[  812.100363] Total swap = 0kB
[  812.100364] 524158 pages RAM
[  812.100366] 25318 pages reserved
[  812.100367] Tasks state (memory values in pages):
[  812.100368] [  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
[  812.100370] [    310]     0   310    12000     1400   110592        0          -250 journald
[  812.100371] [    512]     0   512     3400      700    65536        0         -1000 sshd
[  812.100372] [   4700]  1000  4700   500000   300000  2457600        0             0 big one (x)
[  812.100373] [   4711]  1000  4711   200000   100000  1024000        0             0 collector
[  812.100380] oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/user.slice,task=big one (x),pid=4700,uid=1000
[  812.100390] Out of memory: Killed process 4700 (big one (x)) total-vm:2000000kB, anon-rss:1199000kB, file-rss:1000kB, shmem-rss:0kB, UID:1000 pgtables:2400kB oom_score_adj:0
[  813.100390] oom_reaper: reaped process 4700 (big one (x)), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB
)";

/// RHEL 7's 3.10 through rsyslog, two nodes, swap full: `store` (pid 1200) is killed.
inline const std::string kHostRhel7 =
    R"(Mar  3 04:05:06 db2 kernel: loader invoked oom-killer: gfp_mask=0x201da, order=0, oom_score_adj=0
Mar  3 04:05:06 db2 kernel: loader cpuset=/ mems_allowed=0-1
Mar  3 04:05:06 db2 kernel: CPU: 5 PID: 9912 Comm: loader Kdump: loaded Not tainted 3.10.0-1127.8.2.el7.x86_64 #1
Mar  3 04:05:06 db2 kernel: Mem-Info:
Mar  3 04:05:06 db2 kernel: active_anon:900000 inactive_anon:60000 isolated_anon:0#012 active_file:100 inactive_file:300 isolated_file:32#012 unevictable:0 dirty:0 writeback:0 unstable:0#012 slab_reclaimable:5000 slab_unreclaimable:9000#012 mapped:900 shmem:20000 pagetables:6000 bounce:0#012 free:10500 free_pcp:30 free_cma:0
Mar  3 04:05:06 db2 kernel: Node 0 DMA32 free:12000kB min:22000kB low:27500kB high:33000kB active_anon:1700000kB inactive_anon:120000kB active_file:200kB inactive_file:700kB unevictable:0kB isolated(anon):0kB isolated(file):0kB present:2080000kB managed:1997000kB mlocked:0kB dirty:0kB writeback:0kB mapped:1800kB shmem:40000kB slab_reclaimable:10000kB slab_unreclaimable:18000kB kernel_stack:3000kB pagetables:12000kB unstable:0kB bounce:0kB free_pcp:60kB local_pcp:0kB free_cma:0kB writeback_tmp:0kB pages_scanned:1300 all_unreclaimable? yes
Mar  3 04:05:06 db2 kernel: lowmem_reserve[]: 0 0 0 0
Mar  3 04:05:06 db2 kernel: Node 1 Normal free:14120kB min:22800kB low:28500kB high:34200kB active_anon:1900000kB inactive_anon:120000kB active_file:200kB inactive_file:500kB unevictable:0kB isolated(anon):0kB isolated(file):128kB present:2097152kB managed:2080000kB mlocked:0kB dirty:0kB writeback:0kB mapped:1800kB shmem:40000kB slab_reclaimable:10000kB slab_unreclaimable:17984kB kernel_stack:3000kB pagetables:12000kB unstable:0kB bounce:0kB free_pcp:60kB local_pcp:0kB free_cma:0kB writeback_tmp:0kB pages_scanned:1300 all_unreclaimable? yes
Mar  3 04:05:06 db2 kernel: lowmem_reserve[]: 0 0 0 0
Mar  3 04:05:06 db2 kernel: Free swap  = 0kB
Mar  3 04:05:06 db2 kernel: Total swap = 1048572kB
Mar  3 04:05:06 db2 kernel: 1044288 pages RAM
Mar  3 04:05:06 db2 kernel: 25038 pages reserved
Mar  3 04:05:06 db2 kernel: [ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name
Mar  3 04:05:06 db2 kernel: [  601]     0   601     9900      140      23       60             0 systemd-journal
Mar  3 04:05:06 db2 kernel: [ 1200]   997  1200  2000000   800000    4000   200000             0 store
Mar  3 04:05:06 db2 kernel: [ 9912]     0  9912   400000   120000     600    20000             0 loader
Mar  3 04:05:06 db2 kernel: Out of memory: Kill process 1200 (store) score 780 or sacrifice child
Mar  3 04:05:06 db2 kernel: Killed process 1200 (store), UID 997, total-vm:8000000kB, anon-rss:3199000kB, file-rss:1000kB, shmem-rss:0kB
)";

/// 5.4, a container of 512 MiB in cgroup v1.
inline const std::string kMemcg54 =
    R"([  311.207707] worker invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=940
[  311.207711] CPU: 4 PID: 6363 Comm: worker Not tainted 5.4.0-91-generic #102-Ubuntu
[  311.207780] memory: usage 524288kB, limit 524288kB, failcnt 1412
[  311.207781] memory+swap: usage 524288kB, limit 9007199254740988kB, failcnt 0
[  311.207783] Memory cgroup stats for /pods/pod1:
[  311.207790] anon 500000000
               file 300000
               shmem 135168
               active_anon 499900000
[  311.207792] [  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
[  311.207793] [   6300]     0  6300      200        1    32768        0          -998 pause
[  311.207795] [   6363]     0  6363   700000    76000  1400832        0           940 worker
[  311.207796] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=abc,mems_allowed=0,oom_memcg=/pods/pod1,task_memcg=/pods/pod1/abc,task=worker,pid=6363,uid=0
[  311.207797] Memory cgroup out of memory: Killed process 6363 (worker) total-vm:2800000kB, anon-rss:300000kB, file-rss:4000kB, shmem-rss:92kB, UID:0 pgtables:1368kB oom_score_adj:940
)";

}  // namespace oomcast::oomlog
