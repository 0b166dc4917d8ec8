/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters: a thread reads its own hardware counters (instructions, cycles, cache misses ...) around its own operations, from the
 * processor's registers, without a system call. No daemon is needed, and none takes part.
 *
 * C11 and C++17. hftmon_counters_open makes system calls and belongs into start-up; hftmon_counters_read makes none, allocates nothing and
 * waits for nothing. Counted is the user code of the opening thread alone, on whatever CPU it runs, unless an event asks for more
 * (HFTMON_COUNTER_KERNEL): that needs no privilege where kernel.perf_event_paranoid is 2 or less.
 *
 * All events of one handle are a group: they count together or not at all. Where others want the same registers (perf, a daemon that
 * counts, the NMI watchdog), the kernel may take them away for a while: reading is then refused, and two readings between which it was so
 * tell it by their paused_ns, which differ.
 *
 * Threads: a handle is the thread's that opened it. Reading from another one is refused, as its register would be another's; closing is
 * allowed to another one once the owner has ended.
 * fork: the child has no counters. The parent's handle reads nothing in it, by any way to make a child with memory of its own; the child
 * opens its own. A child that shares the memory (vfork, CLONE_VM) must not read.
 * Signals: a handler may read the counters of the thread that it interrupts.
 * Descriptors: none is kept. Memory: a page for each event, of what kernel.perf_event_mlock_kb allows each user, and one of its own.
 * Other CPUs: on x86 the first handle that a process opens and the last one that it closes interrupt those where its other threads run,
 * once. Hazards, all of the administrator's making: whoever takes the right to read away while a program reads (on x86 by writing to
 * /sys/bus/event_source/devices/cpu/rdpmc, on arm64 kernel.perf_user_access=0) ends it by a signal. So does, on a processor whose cores
 * are of several kinds, a thread that is allowed onto CPUs of another kind after it has opened: hftmon_counters_open wants it to be pinned
 * to CPUs of one kind, and it has to stay so.
 * Kernel: x86 4.0, arm64 5.17 (with kernel.perf_user_access=1) or later.
 */
#ifndef HFTMON_CLIENT_MARKER_HFTMON_COUNTERS_H_
#define HFTMON_CLIENT_MARKER_HFTMON_COUNTERS_H_

#include <stdbool.h>
#include <stdint.h>

#include "client/marker/hftmon_counter_page.h"
#include "client/marker/hftmon_marker.h"

/* Of one handle. Processors have 4 to 8 registers for events of any kind, and one to four more for cycles, instructions and the like. */
#define HFTMON_COUNTERS_MAX 6u

#ifdef __cplusplus
extern "C" {
#endif

/* What to count: as perf_event_open has it. */
typedef struct hftmon_counter_event {
  const char* name; /* for messages; NULL: "event". Outlives the call that it is given to */
  uint32_t type;    /* PERF_TYPE_HARDWARE, PERF_TYPE_HW_CACHE, PERF_TYPE_RAW, or a PMU's number (/sys/bus/event_source/devices/NAME/type) */
  uint32_t flags;   /* HFTMON_COUNTER_KERNEL or 0 */
  uint64_t config;
  uint64_t config1; /* on arm64 its two lowest bits are set as the kernel wants them for reading */
  uint64_t config2;
} hftmon_counter_event;

/* The kernel's work for the thread counts too: system calls, faults, interrupts that come meanwhile. Needs perf_event_paranoid 1 or
 * CAP_PERFMON. */
#define HFTMON_COUNTER_KERNEL 1u

/* Initializers of an hftmon_counter_event. What is behind a name is the kernel's choice for this processor, and not every one has all. */
#define HFTMON_COUNTER_GENERIC(name, config) \
  { (name), PERF_TYPE_HARDWARE, 0, (config), 0, 0 }
#define HFTMON_COUNTER_READ_MISSES(name, cache) \
  { (name), PERF_TYPE_HW_CACHE, 0, (cache) | PERF_COUNT_HW_CACHE_OP_READ << 8 | PERF_COUNT_HW_CACHE_RESULT_MISS << 16, 0, 0 }
#define HFTMON_COUNTER_CYCLES HFTMON_COUNTER_GENERIC("cycles", PERF_COUNT_HW_CPU_CYCLES)
#define HFTMON_COUNTER_INSTRUCTIONS HFTMON_COUNTER_GENERIC("instructions", PERF_COUNT_HW_INSTRUCTIONS)
#define HFTMON_COUNTER_BRANCH_MISSES HFTMON_COUNTER_GENERIC("branch_misses", PERF_COUNT_HW_BRANCH_MISSES)
#define HFTMON_COUNTER_STALLED_CYCLES_BACKEND HFTMON_COUNTER_GENERIC("stalled_cycles_backend", PERF_COUNT_HW_STALLED_CYCLES_BACKEND)
#define HFTMON_COUNTER_CACHE_MISSES HFTMON_COUNTER_GENERIC("cache_misses", PERF_COUNT_HW_CACHE_MISSES)
#define HFTMON_COUNTER_L1D_MISSES HFTMON_COUNTER_READ_MISSES("l1d_misses", PERF_COUNT_HW_CACHE_L1D)
#define HFTMON_COUNTER_LLC_MISSES HFTMON_COUNTER_READ_MISSES("llc_misses", PERF_COUNT_HW_CACHE_LL)
#define HFTMON_COUNTER_DTLB_MISSES HFTMON_COUNTER_READ_MISSES("dtlb_misses", PERF_COUNT_HW_CACHE_DTLB)
#define HFTMON_COUNTER_ITLB_MISSES HFTMON_COUNTER_READ_MISSES("itlb_misses", PERF_COUNT_HW_CACHE_ITLB)
/* The processor's own code of an event, as its manual has it. */
#define HFTMON_COUNTER_RAW(name, config) \
  { (name), PERF_TYPE_RAW, 0, (config), 0, 0 }

/* Why there are no counters, or none at present. */
typedef enum hftmon_counters_cause {
  HFTMON_COUNTERS_NO_CAUSE = 0,   /* there are */
  HFTMON_COUNTERS_BAD_REQUEST,    /* no events, or more than HFTMON_COUNTERS_MAX */
  HFTMON_COUNTERS_NO_PMU,         /* this host has no hardware counters: a virtual machine, as a rule */
  HFTMON_COUNTERS_NO_EVENT,       /* it has, but not this event */
  HFTMON_COUNTERS_NOT_A_REGISTER, /* the event is counted by the kernel (software events), or is in no register for programs */
  HFTMON_COUNTERS_NO_USER_ACCESS, /* the administrator has switched reading off */
  HFTMON_COUNTERS_PARANOID,       /* kernel.perf_event_paranoid forbids it */
  HFTMON_COUNTERS_FORBIDDEN,      /* seccomp or a security module does */
  HFTMON_COUNTERS_SEVERAL_KINDS,  /* the thread may run on cores of several kinds */
  HFTMON_COUNTERS_TAKEN,          /* no registers are free for the group: others have them, or it has more events than there are */
  HFTMON_COUNTERS_NO_DESCRIPTOR,  /* EMFILE, ENFILE: needed while opening */
  HFTMON_COUNTERS_NO_MEMORY,      /* also: kernel.perf_event_mlock_kb is used up */
  HFTMON_COUNTERS_NO_KERNEL,      /* too old, or built without */
  HFTMON_COUNTERS_CLOSED,         /* the handle is NULL or a forked child's */
  HFTMON_COUNTERS_OTHER_THREAD,   /* the caller is not the thread that opened it */
  HFTMON_COUNTERS_UNSTEADY,       /* the kernel changed the page at each attempt: read again */
  HFTMON_COUNTERS_OTHER,          /* see `error` */
} hftmon_counters_cause;

typedef struct hftmon_counters_refusal {
  hftmon_counters_cause cause;
  int error;      /* the kernel's errno, 0 where it said none */
  char text[512]; /* one sentence: the event, the cause, what mends it; "" without a cause */
} hftmon_counters_refusal;

/* A thread's handle. The inline functions' own. */
typedef struct hftmon_counters {
  const void* thread; /* hftmon_counters_thread of the owner; NULL: a forked child's */
  uint32_t count;
  const struct perf_event_mmap_page* pages[HFTMON_COUNTERS_MAX]; /* in the events' order */
} hftmon_counters;

typedef struct hftmon_counters_reading {
  uint64_t paused_ns;                   /* grows while the kernel has no counters for the group; of all events together */
  uint64_t values[HFTMON_COUNTERS_MAX]; /* since the handle was opened, in the events' order */
  uint32_t count;                       /* of values */
} hftmon_counters_reading;

/*
 * Opens the calling thread's counters and switches them on. NULL, with `why` (unless that is NULL) and errno, when there are none: never a
 * handle that reads zeros. A handle has been seen counting; TAKEN may be another moment's luck, all other causes stay until mended.
 */
HFTMON_MARKER_API hftmon_counters* hftmon_counters_open(const hftmon_counter_event* events, uint32_t count, hftmon_counters_refusal* why);
/* By the owner, or once it has ended; the handle is gone. NULL, and a forked child's, are allowed. A thread that ends without it leaves the
 * pages mapped, and its registers to others. */
HFTMON_MARKER_API void hftmon_counters_close(hftmon_counters* counters);

/* Why hftmon_counters_read would be refused now, for the log: NO_CAUSE when it would not. By the owner; may read files. */
HFTMON_MARKER_API void hftmon_counters_explain(const hftmon_counters* counters, hftmon_counters_refusal* why);

/*
 * What one pair of readings with nothing in between counts of itself, the least of 64 pairs: what each operation has too much. False: no
 * pair could be read. By the owner. Nothing is subtracted anywhere.
 */
HFTMON_MARKER_API bool hftmon_counters_own_cost(const hftmon_counters* counters, hftmon_counters_reading* out);

/* What tells a thread from the others of its process: where its thread-local storage is. */
static inline const void* hftmon_counters_thread(void) { /* NOLINT(modernize-redundant-void-arg): C wants it */
  const void* thread;
#if defined(__x86_64__)
  __asm__("movq %%fs:0, %0" : "=r"(thread));
#else
  __asm__("mrs %0, tpidr_el0" : "=r"(thread));
#endif
  return thread;
}

/*
 * The counts now. By the owner. False, and `out` is not to be used, when the kernel has no counters for the group at present, the handle is
 * NULL or a forked child's, or the thread another; hftmon_counters_explain says which. The CPU may take the readings some tens of
 * instructions off their place in the program: no fence is made, as for a mark.
 */
static inline bool hftmon_counters_read(const hftmon_counters* counters, hftmon_counters_reading* out) {
  if (__builtin_expect(!counters || counters->thread != hftmon_counters_thread(), 0)) return false;
  uint64_t paused_ns = 0;
  for (uint32_t i = 0; i < counters->count; ++i) {
    hftmon_counter_page_reading reading;
    if (__builtin_expect(hftmon_counter_page_read(counters->pages[i], hftmon_counter_register, &reading) != HFTMON_COUNTER_PAGE_COUNTING,
                         0)) {
      return false;
    }
    out->values[i] = reading.value;
    paused_ns += reading.paused_ns;
  }
  out->paused_ns = paused_ns;
  out->count = counters->count;
  return true;
}

/* Whether all was counted between two readings of one handle, so that the differences of their values are what the thread did. */
static inline bool hftmon_counters_whole(const hftmon_counters_reading* begin, const hftmon_counters_reading* end) {
  return begin->paused_ns == end->paused_ns;
}

/* How long the group was switched on, and how long it counted: to scale by, where a share of the time is enough. False: as for reading,
 * but not while the group is paused. By the owner. */
static inline bool hftmon_counters_read_times(const hftmon_counters* counters, hftmon_counter_page_times* out) {
  if (__builtin_expect(!counters || counters->thread != hftmon_counters_thread(), 0)) return false;
  return hftmon_counter_page_read_times(counters->pages[0], hftmon_marker_tsc(), out);
}

#ifdef __cplusplus
}
#endif

#endif /* HFTMON_CLIENT_MARKER_HFTMON_COUNTERS_H_ */
