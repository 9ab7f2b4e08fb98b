/* Clock, latency histogram, another process: see measure.h. */
#include "tests/bench/measure.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The seven highest bits choose the bucket; `shift` is what they leave out. */
static unsigned bucket_of(uint64_t us)
{
	unsigned shift = 0;

	if (us > UINT32_MAX)
		us = UINT32_MAX;
	while (us >> shift >= 128)
		shift++;
	return shift * 64 + (unsigned)(us >> shift);
}

static uint64_t lower_bound(unsigned bucket)
{
	unsigned shift = bucket < 128 ? 0 : bucket / 64 - 1;

	return (uint64_t)(bucket - shift * 64) << shift;
}

void histogram_add(struct histogram *h, uint64_t us)
{
	h->bucket[bucket_of(us)]++;
	h->count++;
	if (us > h->max_us)
		h->max_us = us;
}

uint64_t histogram_quantile(const struct histogram *h, double q)
{
	uint64_t rank = (uint64_t)(q * (double)h->count), seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen > rank)
			return lower_bound(i);
	}
	return h->max_us;
}

uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* User and system time: fields 14 and 15 of /proc/PID/stat, counted from the
 * name in parentheses, which may itself hold blanks. */
static double own_cpu_s(uint32_t pid)
{
	char path[64], stat[1024];
	unsigned long user, sys;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	FILE *f = fopen(path, "r");
	if (!f)
		return 0;
	stat[fread(stat, 1, sizeof(stat) - 1, f)] = '\0';
	fclose(f);
	const char *p = strrchr(stat, ')');
	if (!p ||
		sscanf(p + 1,
			" %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			&user, &sys) != 2)
		return 0;
	return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

/* The part of its resident memory that counts as its own. */
static double own_kib(uint32_t pid)
{
	char path[64], line[128];
	double kib = 0;

	snprintf(path, sizeof(path), "/proc/%u/smaps_rollup", pid);
	FILE *f = fopen(path, "r");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Pss: %lf kB", &kib) == 1)
			break;
	fclose(f);
	return kib;
}

/* Over the process and its descendants. */
static double sum(uint32_t pid, double (*own)(uint32_t pid))
{
	char path[64];
	double total = own(pid);
	unsigned child;

	snprintf(path, sizeof(path), "/proc/%u/task/%u/children", pid, pid);
	FILE *f = fopen(path, "r");
	if (!f)
		return total;
	while (fscanf(f, "%u", &child) == 1)
		total += sum(child, own);
	fclose(f);
	return total;
}

double process_cpu_s(uint32_t pid)
{
	return sum(pid, own_cpu_s);
}

uint64_t process_kib(uint32_t pid)
{
	return (uint64_t)sum(pid, own_kib);
}
