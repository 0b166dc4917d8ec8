/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Markers: a program marks its own operations ("order 4711 came in", "order 4711 went out") for hftmon's daemon, some 10 ns each.
 *
 * C11 and C++20. A record is written by the inline functions below: no allocation, no system call, no lock, no wait, whether or not a
 * daemon is there, and whatever becomes of it. A thread's ring keeps its latest records and writes over the oldest: what a daemon has not
 * read by then it counts as lost. Everything else (creating, opening a thread, naming an operation) is in the library, makes system calls
 * and belongs into start-up.
 *
 * Threads: each writes to a ring of its own, through a handle of its own. hftmon_marker_thread_open and keeping the handle is the fastest;
 * hftmon_marker_this_thread finds the handle of the calling thread, some 2 ns more a call.
 * fork: the child has no marker. Every handle and every hftmon_marker of the parent's is closed in it: calls with them do nothing, and
 * hftmon_marker_create makes the child's own. This holds for every way to make a child with memory of its own, and costs a record nothing.
 * A child that shares the memory (vfork, CLONE_VM) must not mark.
 * Signals: a handler must not mark through the handle of the thread that it interrupts.
 * Memory: a ring's pages are reserved and touched when its thread is opened (16 MiB by default, some milliseconds), so a record takes no
 * page fault unless the host swaps: lock them (mlockall) where that matters. Give a smaller record_max where the memory does.
 * Kernel: 5.14 or later. The mapping needs a tmpfs at /dev/shm, and /proc.
 */
#ifndef HFTMON_CLIENT_MARKER_HFTMON_MARKER_H_
#define HFTMON_CLIENT_MARKER_HFTMON_MARKER_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/marker_ring_layout.h"

/* In the library; all else in it is hidden. */
#define HFTMON_MARKER_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

/* A process's marker file. Opaque; made by hftmon_marker_create. */
typedef struct hftmon_marker hftmon_marker;

/* A field that is 0 or NULL stands for its default. */
typedef struct hftmon_marker_options {
  uint32_t thread_max;    /* rings, so threads that mark at the same time: 1 to 256, default 64 */
  uint32_t record_max;    /* records of each ring, a power of two: 256 to 1,048,576, default 524,288 (16 MiB a thread that is open) */
  uint32_t operation_max; /* names, the unnamed one included: 1 to 4,096, default 1,024 */
  const char* directory;  /* default /dev/shm, where the daemon looks */
} hftmon_marker_options;

/* A thread's handle. The fields are the inline functions' own: one cache line that no other thread touches. */
typedef struct hftmon_marker_thread {
  struct hft_marker_record* records; /* NULL: closed, or a forked child's */
  struct hft_marker_producer* producer;
  uint64_t index; /* of the next record */
  uint64_t mask;
  /* Beyond the way of a record. */
  hftmon_marker* marker;
  uint32_t number;
} hftmon_marker_thread;

/*
 * Makes the file hftmon.PID.N (mode 0600; N the first free number) and maps it. `options` NULL: all defaults. Returns NULL and sets errno:
 *   EINVAL  an option is out of its range, or the file would be larger than 2 GiB
 *   EEXIST  256 files of this pid are there already
 *   EMFILE  16 markers of this process are open, or it has no descriptor left
 *   ENOSPC, ENOMEM, EACCES, ENOENT, ENOTSUP ...  what the kernel said of the directory, the file or the mapping
 * Any thread.
 */
HFTMON_MARKER_API hftmon_marker* hftmon_marker_create(const hftmon_marker_options* options);

/*
 * Removes the file. The daemon reads what was published before, if it has found the file (100 ms after its creation). No thread may mark
 * through this marker at the same time or later; its handles are gone. NULL is allowed. A program that ends without it leaves the file to
 * the daemon.
 */
HFTMON_MARKER_API void hftmon_marker_close(hftmon_marker* marker);

/*
 * The id of an operation: the same for the same name. Names are 1 to 60 bytes of UTF-8. Returns 0, the id of the unnamed operation, and
 * sets errno where it has none: EINVAL (no such name), ENOSPC (operation_max are named), EBADF (`marker` is NULL or the parent's). 0 may be
 * marked like any other, so nothing needs to be checked. Any thread; takes a lock: look names up once.
 */
HFTMON_MARKER_API uint32_t hftmon_marker_operation(hftmon_marker* marker, const char* name);

/*
 * A ring for the calling thread. Returns NULL and sets errno: EAGAIN (thread_max rings are taken), ENOSPC (/dev/shm has no room for it),
 * EBADF (`marker` is NULL or the parent's). All functions below allow NULL and do nothing then. The handle is for the thread that opened
 * it, alone.
 */
HFTMON_MARKER_API hftmon_marker_thread* hftmon_marker_thread_open(hftmon_marker* marker);
/* Gives the ring to whoever opens one next. What was published is still read. By the handle's thread. NULL is allowed. */
HFTMON_MARKER_API void hftmon_marker_thread_close(hftmon_marker_thread* thread);

/*
 * The calling thread's handle, opened at its first call and closed when the thread ends. As hftmon_marker_thread_open, and ENOSPC when the
 * thread has handles of 4 markers already. Must not be mixed with thread_close.
 */
HFTMON_MARKER_API hftmon_marker_thread* hftmon_marker_this_thread(hftmon_marker* marker);

/*
 * Names a piece of this process's memory (an order book, a pool, a queue) whose place matters: the daemon tells on which NUMA nodes it
 * lies, and advises on it, by that name (`hftmon numa`, `hftmon recommend`). Nothing is read, touched or changed of the memory; that it is
 * mapped is not asked. Names are 1 to 60 bytes of UTF-8, and may be given twice; `bytes` at most 1 TiB. Returns a number for
 * hftmon_marker_range_end, or 0 and sets errno: EINVAL (no such name, no bytes, or an address that no program has: NULL, beyond 2^56, with
 * a tag), ENOSPC (256 ranges are named, or the directory has no room for them), EBADF (`marker` is NULL or the parent's). Any thread; takes
 * a lock, and the first range of a marker some system calls: for start-up. A forked child has no ranges. A daemon that is older than the
 * library reads none of its files.
 */
HFTMON_MARKER_API uint32_t hftmon_marker_range(hftmon_marker* marker, const char* name, const void* address, size_t bytes);
/* Withdraws a range: before its memory is given back, or else whatever comes to lie there is told under its name. A number that is no
 * range's (0, one that was withdrawn) and a marker that is NULL or the parent's do nothing. Any thread; takes a lock. */
HFTMON_MARKER_API void hftmon_marker_range_end(hftmon_marker* marker, uint32_t range);

/* Records that were ever published in this handle's ring, by it and by those that had the ring before, the one that announces each thread
 * included. By the handle's thread. */
HFTMON_MARKER_API uint64_t hftmon_marker_published_count(const hftmon_marker_thread* thread);
/* The file's path; valid until the marker is closed. NULL for NULL and for the parent's. */
HFTMON_MARKER_API const char* hftmon_marker_path(const hftmon_marker* marker);

/*
 * The counter that stamps records: TSC, or CNTVCT on arm64. Neither lfence nor rdtscp: they would wait for what stands before, up to a
 * cache miss's length, and cost more than the record. The CPU may read the counter some tens of cycles off its place in the program.
 */
static inline uint64_t hftmon_marker_tsc(void) { /* NOLINT(modernize-redundant-void-arg): C wants it */
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
  uint64_t ticks;
  __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
  return ticks;
#else
#error "hftmon marks on x86-64 and arm64 only"
#endif
}

/* Keeps the stores after it behind those before it: the layout's third invariant. */
static inline void hftmon_marker_order_stores(void) { /* NOLINT(modernize-redundant-void-arg): C wants it */
#if defined(__x86_64__)
  __asm__ volatile("" ::: "memory");
#else
  __asm__ volatile("dmb ishst" ::: "memory");
#endif
}

/* So many records before a cell is written its line is asked for, to be written: a reader on another CPU had it last, and a store that
 * waits for it holds up all stores behind it. */
#define HFTMON_MARKER_AHEAD 24u

static inline void hftmon_marker_fetch(const struct hft_marker_record* record) {
#if defined(__x86_64__)
  __asm__ volatile("prefetchw %0" : : "m"(*record)); /* __builtin_prefetch makes a prefetch for reading of it, unless told of the CPU */
#else
  __builtin_prefetch(record, 1, 3);
#endif
}

/* The one place that writes a record. `records` are the handle's. */
static inline void hftmon_marker_write(hftmon_marker_thread* thread, struct hft_marker_record* records, uint64_t tsc, uint32_t operation,
                                       uint64_t value, uint8_t kind, uint8_t status) {
  const uint64_t index = thread->index;
  struct hft_marker_record* const record = &records[index & thread->mask];
  /* published = index was stored by the record before: whoever sees a part of this one sees that too. */
  hftmon_marker_order_stores();
  hftmon_marker_fetch(&records[(index + HFTMON_MARKER_AHEAD) & thread->mask]);
  record->sequence = index + 1;
  record->tsc = tsc;
  record->value = value;
  record->operation = operation;
  record->kind = kind;
  record->status = status;
  record->reserved = 0;
  thread->index = index + 1;
  /* Release: whoever sees the number sees the record. Pairs with the reader's copy of the number before that of the record. */
  __atomic_store_n(&thread->producer->published, index + 1, __ATOMIC_RELEASE);
}

/* A record that is stamped now. By the handle's thread. False: there is no ring (the handle is NULL, closed, or a forked child's). */
static inline bool hftmon_marker_put(hftmon_marker_thread* thread, uint32_t operation, uint64_t value, uint8_t kind, uint8_t status) {
  if (__builtin_expect(!thread, 0)) return false;
  struct hft_marker_record* const records = thread->records;
  if (__builtin_expect(!records, 0)) return false;
  hftmon_marker_write(thread, records, hftmon_marker_tsc(), operation, value, kind, status);
  return true;
}

/*
 * A record that is stamped `tsc`, for a thread that has just read the counter for a purpose of its own: the reading is nearly all that a
 * record costs. `tsc` must be a reading of hftmon_marker_tsc by this thread, and not lie before the stamp of its record before: the daemon
 * refuses a record that does.
 */
static inline bool hftmon_marker_put_at(hftmon_marker_thread* thread, uint64_t tsc, uint32_t operation, uint64_t value, uint8_t kind,
                                        uint8_t status) {
  if (__builtin_expect(!thread, 0)) return false;
  struct hft_marker_record* const records = thread->records;
  if (__builtin_expect(!records, 0)) return false;
  hftmon_marker_write(thread, records, tsc, operation, value, kind, status);
  return true;
}

/*
 * An operation begins and ends on one thread. An end belongs to the open begin of the same operation and value; up to 16 may be open on a
 * thread, nested or overlapping. False: there is no ring.
 */
static inline bool hftmon_marker_begin(hftmon_marker_thread* thread, uint32_t operation, uint64_t value) {
  return hftmon_marker_put(thread, operation, value, HFT_MARKER_BEGIN, HFT_MARKER_OK);
}
static inline bool hftmon_marker_end(hftmon_marker_thread* thread, uint32_t operation, uint64_t value) {
  return hftmon_marker_put(thread, operation, value, HFT_MARKER_END, HFT_MARKER_OK);
}
/* The operation failed. */
static inline bool hftmon_marker_end_error(hftmon_marker_thread* thread, uint32_t operation, uint64_t value) {
  return hftmon_marker_put(thread, operation, value, HFT_MARKER_END, HFT_MARKER_ERROR);
}
/* Something happened that takes no time. */
static inline bool hftmon_marker_instant(hftmon_marker_thread* thread, uint32_t operation, uint64_t value) {
  return hftmon_marker_put(thread, operation, value, HFT_MARKER_INSTANT, HFT_MARKER_OK);
}
/* One more turn of a loop that never rests: the time between two of a thread's heartbeats is what the daemon looks at. */
static inline bool hftmon_marker_heartbeat(hftmon_marker_thread* thread, uint32_t operation, uint64_t value) {
  return hftmon_marker_put(thread, operation, value, HFT_MARKER_HEARTBEAT, HFT_MARKER_OK);
}

#ifdef __cplusplus
}
#endif

#endif /* HFTMON_CLIENT_MARKER_HFTMON_MARKER_H_ */
