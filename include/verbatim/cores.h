/* How many cores this process may use: the one place that decides, for threads of any kind.
 *
 * Owns nothing; any thread. Never fails: what cannot be read says nothing, and there is always one
 * core. A quota is looked for where systemd, Docker and Kubernetes mount control groups; other
 * mount points are not searched.
 */
#ifndef VERBATIM_CORES_H
#define VERBATIM_CORES_H

/* Cores by affinity and by the quota of the control group, whichever is fewer; at least 1. Reads
 * files: ask once. */
unsigned vb_cores_count(void);

/* The quota alone, rounded up to whole cores: the smallest from the process's own control group up
 * to the root of what it sees, version 2 (cpu.max) and version 1 (cpu.cfs_quota_us). 0: none.
 * `root` stands before /proc and /sys, "" but in tests. */
unsigned vb_cores_quota(const char *root);

#endif
