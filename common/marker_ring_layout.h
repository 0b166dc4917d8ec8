/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The marker file: what a program that marks its own operations shares with the daemon, byte by byte.
 *
 * Plain C11 and C++20: client/marker writes it, daemon/markers reads it. The file is /dev/shm/hftmon.PID.N, mode 0600. The program maps it;
 * a reader opens it for reading and copies by pread, since its owner may truncate it at any moment. Nothing goes back to the program, so
 * any number of readers may look, and none can make it wait. Parts, in this order, each from a multiple of 4,096 bytes on:
 *
 *   hft_marker_header                                   once, written before the file gets its name; `magic` last
 *   hft_marker_operation  [operation_max]               names; append-only, published by `operation_count`
 *   hft_marker_producer   [thread_max]                  one per ring, written by the ring's thread alone
 *   hft_marker_record     [thread_max][record_max]      the rings
 *   hft_marker_range      [range_max]                   memory that the program names; a version 2 file ends before it
 *
 * A ring has one writer (a thread), and overwrites: it holds the latest records. Invariants:
 *   1. Record n stands in cell n % record_max, with sequence n + 1. `published` counts the records that are complete; it only grows, also
 *      when a thread ends and another takes its ring over.
 *   2. The stores of record n come before that of published = n + 1 (a release). So who reads `published` and then (acquire) a record below
 *      it finds it complete, and a program that dies inside a record has not published it.
 *   3. The store of published = n comes before the stores of record n. A release does not give that: it lets later stores pass. On x86
 * stores are not reordered, and a barrier for the compiler is enough; arm64 takes a fence between stores (dmb ishst).
 *   4. Hence who copies records, then (acquire) reads `published` again and finds p has copied whole every record n with n + record_max >
 * p: cell n % record_max is written again by record n + record_max alone, whose stores come after published = n + record_max. Record p -
 * record_max may be the one that is being written over at that moment, so it counts as lost: of a full ring record_max - 1 stand. The
 * sequence repeats what `published` says: a reader that got `published` torn (its copy need not be one load) does not take the ring's
 * previous or next round for the one it wants.
 *
 * A range's entry is a seqlock: `sequence` is odd while the entry is written. The writer stores the odd number, then (release fence) the
 * fields, then (release) the next even one. A reader cannot load in order by pread, so it copies twice, with an acquire between: an entry
 * whose two copies are the same bytes, with an even sequence, was whole (the second copy's fields are younger than the first one's
 * sequence, and a writer that was in between has changed one of the two). `bytes` 0: no range; entries are used again.
 *
 * Cache lines: the writer's words and the records lie 128 bytes apart, two lines, since prefetchers fetch in pairs. A record touches half a
 * line of its ring and the line of `published`, which moves once for each time that a reader looks.
 */
#ifndef HFTMON_COMMON_MARKER_RING_LAYOUT_H_
#define HFTMON_COMMON_MARKER_RING_LAYOUT_H_

#include <stddef.h>
#include <stdint.h>

#define HFT_MARKER_MAGIC UINT64_C(0x314b52414d544648) /* "HFTMARK1" in memory */
#define HFT_MARKER_VERSION 3u
#define HFT_MARKER_VERSION_WITHOUT_RANGES 2u /* still read: `range_max` is a reserved 0 there, and the file ends behind the rings */
#define HFT_MARKER_PAGE_BYTES 4096u
#define HFT_MARKER_LINE_BYTES 128u

/* Bounds that both sides hold. record_max is a power of two. */
#define HFT_MARKER_THREADS_MIN 1u
#define HFT_MARKER_THREADS_MAX 256u
#define HFT_MARKER_RECORDS_MIN 256u
#define HFT_MARKER_RECORDS_MAX (1u << 20)
#define HFT_MARKER_OPERATIONS_MIN 1u
#define HFT_MARKER_OPERATIONS_MAX 4096u
#define HFT_MARKER_FILE_BYTES_MAX (UINT64_C(1) << 31)
#define HFT_MARKER_NAME_BYTES 60u /* of an operation or a range, without a closing zero */
#define HFT_MARKER_RANGES_MAX 256u
#define HFT_MARKER_RANGE_BYTES_MAX (UINT64_C(1) << 40) /* of one range */
#define HFT_MARKER_ADDRESS_END \
  (UINT64_C(1) << 56) /* no range reaches beyond: no program has more (x86-64: 47 or 56 bits, arm64: 48 or 52) */

/* The byte of the file that its program locks (fcntl, F_OFD_SETLK) for as long as it has the file open. */
#define HFT_MARKER_OWNER_LOCK_BYTE 0

enum hft_marker_counter { /* what `tsc` counts */
                          HFT_MARKER_COUNTER_X86_TSC = 1,
                          HFT_MARKER_COUNTER_ARM64_CNTVCT = 2,
};

enum hft_marker_kind {
  HFT_MARKER_THREAD = 1, /* a thread takes the ring: value is its tid in its own pid namespace; not the user's to write */
  HFT_MARKER_BEGIN = 2,
  HFT_MARKER_END = 3,
  HFT_MARKER_INSTANT = 4,
  HFT_MARKER_HEARTBEAT = 5,
};
#define HFT_MARKER_KINDS 6u

enum hft_marker_status { /* of an end; HFT_MARKER_OK in all other records */
                         HFT_MARKER_OK = 0,
                         HFT_MARKER_ERROR = 1,
};
#define HFT_MARKER_STATUSES 2u

struct hft_marker_record {
  uint64_t sequence;  /* index + 1 */
  uint64_t tsc;       /* ticks of header.counter */
  uint64_t value;     /* the user's: an order id; of a pair begin/end the same in both */
  uint32_t operation; /* index into the operations; 0: unnamed */
  uint8_t kind;       /* hft_marker_kind */
  uint8_t status;     /* hft_marker_status */
  uint16_t reserved;  /* 0 */
};

struct hft_marker_header {
  uint64_t magic;
  uint32_t version;
  uint32_t header_bytes; /* sizeof(struct hft_marker_header) */
  uint64_t file_bytes;   /* hft_marker_file_bytes of the bounds below */
  uint32_t thread_max;
  uint32_t record_max; /* of each thread */
  uint32_t operation_max;
  uint32_t counter;    /* hft_marker_counter */
  uint64_t counter_hz; /* where the CPU tells it (arm64); 0: not known to the program */
  uint64_t created_tsc;
  int64_t created_mono_ns;  /* CLOCK_MONOTONIC, read next to created_tsc */
  uint64_t start_ticks;     /* the process's start time: field 22 of /proc/self/stat, clock ticks since boot */
  uint32_t pid;             /* in its own pid namespace, as in the file's name */
  uint32_t number;          /* N of the file's name */
  uint32_t operation_count; /* grows (release) after an operation is written; starts at 1: operation 0 has no name */
  uint32_t range_max;       /* since version 3 */
};

struct hft_marker_operation {
  uint32_t name_bytes; /* 1 to HFT_MARKER_NAME_BYTES */
  char name[HFT_MARKER_NAME_BYTES];
};

struct hft_marker_producer {
  uint64_t published; /* records ever published */
  uint64_t first_unused[7];
  uint64_t first_index; /* of the thread that has the ring now */
  uint32_t tid;         /* that thread; 0: none ever */
  uint32_t reserved;
  uint64_t second_unused[6];
};

struct hft_marker_range {
  uint64_t address; /* in the program's memory */
  uint64_t bytes;   /* 1 to HFT_MARKER_RANGE_BYTES_MAX; 0: no range */
  uint32_t sequence;
  uint32_t name_bytes; /* 1 to HFT_MARKER_NAME_BYTES */
  char name[HFT_MARKER_NAME_BYTES];
  uint32_t reserved; /* 0 */
};

#ifdef __cplusplus
#define HFT_MARKER_ASSERT(what) static_assert(what, #what)
#else
#define HFT_MARKER_ASSERT(what) _Static_assert(what, #what)
#endif
HFT_MARKER_ASSERT(sizeof(struct hft_marker_record) == 32);
HFT_MARKER_ASSERT(sizeof(struct hft_marker_header) <= HFT_MARKER_PAGE_BYTES);
HFT_MARKER_ASSERT(sizeof(struct hft_marker_operation) == 64);
HFT_MARKER_ASSERT(sizeof(struct hft_marker_producer) == HFT_MARKER_LINE_BYTES);
HFT_MARKER_ASSERT(sizeof(struct hft_marker_range) == 88);

static inline uint64_t hft_marker_round_up(uint64_t bytes) {
  return (bytes + HFT_MARKER_PAGE_BYTES - 1) / HFT_MARKER_PAGE_BYTES * HFT_MARKER_PAGE_BYTES;
}

#define HFT_MARKER_OPERATIONS_AT ((uint64_t)HFT_MARKER_PAGE_BYTES)

/* Where the other parts begin. All of them take the bounds within the limits above: nothing overflows then. */
static inline uint64_t hft_marker_producers_at(uint32_t operation_max) {
  return HFT_MARKER_OPERATIONS_AT + hft_marker_round_up((uint64_t)operation_max * sizeof(struct hft_marker_operation));
}

/* The ring of thread number `thread`. That of number thread_max would begin where the rings end. */
static inline uint64_t hft_marker_ring_at(uint32_t operation_max, uint32_t thread_max, uint32_t record_max, uint32_t thread) {
  return hft_marker_producers_at(operation_max) + hft_marker_round_up((uint64_t)thread_max * sizeof(struct hft_marker_producer)) +
         (uint64_t)thread * record_max * sizeof(struct hft_marker_record);
}

static inline uint64_t hft_marker_ranges_at(uint32_t operation_max, uint32_t thread_max, uint32_t record_max) {
  return hft_marker_ring_at(operation_max, thread_max, record_max, thread_max);
}

static inline uint64_t hft_marker_file_bytes(uint32_t operation_max, uint32_t thread_max, uint32_t record_max, uint32_t range_max) {
  return hft_marker_ranges_at(operation_max, thread_max, record_max) +
         hft_marker_round_up((uint64_t)range_max * sizeof(struct hft_marker_range));
}

/* Whether the bounds are within their limits, and the file too. */
static inline int hft_marker_bounds_hold(uint32_t operation_max, uint32_t thread_max, uint32_t record_max, uint32_t range_max) {
  return operation_max >= HFT_MARKER_OPERATIONS_MIN && operation_max <= HFT_MARKER_OPERATIONS_MAX && thread_max >= HFT_MARKER_THREADS_MIN &&
         thread_max <= HFT_MARKER_THREADS_MAX && record_max >= HFT_MARKER_RECORDS_MIN && record_max <= HFT_MARKER_RECORDS_MAX &&
         (record_max & (record_max - 1)) == 0 && range_max <= HFT_MARKER_RANGES_MAX &&
         hft_marker_file_bytes(operation_max, thread_max, record_max, range_max) <= HFT_MARKER_FILE_BYTES_MAX;
}

/* Whether a range is one that a program can have named. */
static inline int hft_marker_range_holds(uint64_t address, uint64_t bytes) {
  return address != 0 && bytes != 0 && bytes <= HFT_MARKER_RANGE_BYTES_MAX && address < HFT_MARKER_ADDRESS_END &&
         bytes <= HFT_MARKER_ADDRESS_END - address;
}

#endif /* HFTMON_COMMON_MARKER_RING_LAYOUT_H_ */
