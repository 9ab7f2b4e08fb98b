/* What the benchmark measures with: a clock, a histogram of latencies, and
 * CPU time and memory of another process. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdint.h>

/* One bucket per microsecond below 128, then 64 buckets for each doubling:
 * the error stays below 1.6 % up to 2^32 us, and adding is a few cycles. */
enum { HISTOGRAM_BUCKETS = 27 * 64 };

struct histogram {
	uint64_t count;
	uint64_t max_us;
	uint32_t bucket[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t us);

/* The value below which the share q (0..1) of all values lies, in us; 0 of an
 * empty histogram. */
uint64_t histogram_quantile(const struct histogram *h, double q);

/* The monotonic clock in microseconds. */
uint64_t now_us(void);

/* CPU seconds that a process, its threads and its living descendants have
 * used so far, in steps of a clock tick; 0 when there is no such process. */
double process_cpu_s(uint32_t pid);

/* Resident memory of a process and its descendants in KiB, what they share
 * counted once (the sum of Pss); 0 when there is no such process. */
uint64_t process_kib(uint32_t pid);

#endif
