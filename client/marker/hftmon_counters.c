#include "client/marker/hftmon_counters.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "client/marker/core_kinds.h"
#include "client/marker/counters_host.h"
#include "client/marker/counters_refusal.h"
#include "client/marker/wiped_memory.h"

#define OWN_COST_PAIRS 64

/* arm64's two lowest bits of config1: a counter of 64 bits, and that the program may read it. */
#define ARM64_LONG UINT64_C(1)
#define ARM64_USER UINT64_C(2)
/* The upper half of a generic event's config is the PMU that it is for. */
#define PMU_SHIFT 32

/* What the caller holds, and what closing it wants. Wiped in a forked child, where reading then finds another thread's handle. */
struct own_counters {
  hftmon_counters handle; /* first */
  const struct hftmon_counters_host* host;
};

/* While opening. */
struct opening {
  const struct hftmon_counters_host* host;
  const hftmon_counter_event* events;
  uint32_t count;
  uint32_t kind_pmu; /* of the thread's kind of cores; 0: there is one kind */
  bool long_counters;
  int descriptors[HFTMON_COUNTERS_MAX]; /* -1: none */
  hftmon_counters* handle;
  hftmon_counters_refusal* why;
};

static struct perf_event_attr attributes_of(const struct opening* opening, const hftmon_counter_event* event, bool leads) {
  struct perf_event_attr attributes;
  memset(&attributes, 0, sizeof(attributes));
  attributes.type = event->type;
  attributes.size = sizeof(attributes);
  attributes.config = event->config;
  attributes.config1 = event->config1;
  attributes.config2 = event->config2;
  attributes.disabled = leads; /* the others go with it */
  attributes.exclude_kernel = (event->flags & HFTMON_COUNTER_KERNEL) == 0;
  attributes.exclude_hv = 1;
  const bool generic = event->type == PERF_TYPE_HARDWARE || event->type == PERF_TYPE_HW_CACHE;
  if (generic && event->config >> PMU_SHIFT == 0) attributes.config |= (uint64_t)opening->kind_pmu << PMU_SHIFT;
  /* Raw codes are those of one kind as well, and the kernel would take the first. */
  if (event->type == PERF_TYPE_RAW && opening->kind_pmu != 0) attributes.type = opening->kind_pmu;
  return attributes;
}

/* As the processor wants it for a register that programs read. */
static int open_readable(const struct opening* opening, struct perf_event_attr attributes, int group) {
  const struct hftmon_counters_host* const host = opening->host;
#if defined(__aarch64__)
  if (attributes.type != PERF_TYPE_SOFTWARE && attributes.type != PERF_TYPE_TRACEPOINT && attributes.type != PERF_TYPE_BREAKPOINT) {
    attributes.config1 |= ARM64_USER;
    if (opening->long_counters) {
      attributes.config1 |= ARM64_LONG;
      const int opened = host->open_event(host->context, &attributes, group);
      /* Before PMUv3p5 only cycles have 64 bits. The kernel carries the 32 of the others on, by an interrupt each 2^31. */
      if (opened != -EOPNOTSUPP) return opened;
      attributes.config1 &= ~ARM64_LONG;
    }
  }
#else
  (void)ARM64_LONG;
  (void)ARM64_USER;
#endif
  return host->open_event(host->context, &attributes, group);
}

/* Whether the event that did not go into the group would open by itself. */
static bool opens_alone(const struct opening* opening, const hftmon_counter_event* event) {
  const int alone = open_readable(opening, attributes_of(opening, event, true), -1);
  if (alone >= 0) opening->host->close_event(opening->host->context, alone);
  return alone >= 0;
}

static bool open_events(struct opening* opening) {
  for (uint32_t i = 0; i < opening->count; ++i) {
    const hftmon_counter_event* const event = &opening->events[i];
    const int opened = open_readable(opening, attributes_of(opening, event, i == 0), i == 0 ? -1 : opening->descriptors[0]);
    if (opened < 0) {
      hftmon_refusal_of_open(opening->host, event, -opened, opened == -EINVAL && i > 0 && opens_alone(opening, event), opening->why);
      return false;
    }
    opening->descriptors[i] = opened;
  }
  return true;
}

static bool map_pages(struct opening* opening) {
  for (uint32_t i = 0; i < opening->count; ++i) {
    const struct hftmon_counters_host* const host = opening->host;
    const struct perf_event_mmap_page* page = NULL;
    const int error = host->map_page(host->context, opening->descriptors[i], &page);
    if (error != 0) {
      hftmon_refusal_of_map(host, &opening->events[i], error, opening->why);
      return false;
    }
    opening->handle->pages[i] = page;
    opening->handle->count = i + 1;
  }
  return true;
}

/* Instead of a register, where only the page's state is asked for. */
static bool no_register(uint32_t number, uint64_t* value) {
  (void)number;
  *value = 0;
  return true;
}

/* Whether each event is being counted; the first that is not has its say. */
static bool all_count(const struct hftmon_counters_host* host, const hftmon_counters* handle, const hftmon_counter_event* events,
                      hftmon_counters_refusal* why) {
  for (uint32_t i = 0; i < handle->count; ++i) {
    hftmon_counter_page_reading unused;
    const hftmon_counter_page_state state = hftmon_counter_page_read(handle->pages[i], no_register, &unused);
    if (state == HFTMON_COUNTER_PAGE_COUNTING) continue;
    hftmon_refusal_of_page(host, events == NULL ? NULL : &events[i], state, why);
    return false;
  }
  return true;
}

static bool enable(struct opening* opening) {
  const int error = opening->host->enable(opening->host->context, opening->descriptors[0]);
  if (error == 0) return true;
  hftmon_refusal_say(opening->why, HFTMON_COUNTERS_OTHER, error, &opening->events[0], strerror(error), "open the counters again");
  return false;
}

static void unmap_pages(const struct hftmon_counters_host* host, hftmon_counters* handle) {
  for (uint32_t i = 0; i < handle->count; ++i) host->unmap_page(host->context, handle->pages[i]);
  handle->count = 0;
}

/* The pages of a group that counts, in the handle; or none, and why. An event lives as long as its page is mapped: the descriptors would
 * only be in the program's way. */
static bool open_group(struct opening* opening) {
  hftmon_refusal_clear(opening->why);
  for (uint32_t i = 0; i < HFTMON_COUNTERS_MAX; ++i) opening->descriptors[i] = -1;
  const bool done = open_events(opening) && map_pages(opening) && enable(opening) &&
                    all_count(opening->host, opening->handle, opening->events, opening->why);
  for (uint32_t i = opening->count; i > 0; --i) {
    if (opening->descriptors[i - 1] >= 0) opening->host->close_event(opening->host->context, opening->descriptors[i - 1]);
  }
  if (!done) unmap_pages(opening->host, opening->handle);
  return done;
}

/* Which PMU generic events are for. False: the thread may run on cores of several kinds. */
static bool choose_kind(struct opening* opening) {
  struct hftmon_core_kinds kinds;
  hftmon_core_kinds_read(opening->host, &kinds);
  if (kinds.count < 2) return true;
  const struct hftmon_core_kind* const kind = hftmon_core_kind_of_thread(opening->host, &kinds);
  if (kind == NULL) {
    hftmon_refusal_of_kinds(&kinds, opening->why);
    return false;
  }
  opening->kind_pmu = kind->type;
  return true;
}

static bool request_holds(const hftmon_counter_event* events, uint32_t count, hftmon_counters_refusal* why) {
  if (events != NULL && count >= 1 && count <= HFTMON_COUNTERS_MAX) return true;
  hftmon_refusal_say(why, HFTMON_COUNTERS_BAD_REQUEST, EINVAL, NULL, "no events are given, or too many", "give one to six");
  return false;
}

static int errno_of(const hftmon_counters_refusal* why) {
  return why->error != 0 ? why->error : why->cause == HFTMON_COUNTERS_TAKEN ? EBUSY : EOPNOTSUPP;
}

hftmon_counters* hftmon_counters_open_on(const struct hftmon_counters_host* host, const hftmon_counter_event* events, uint32_t count,
                                         hftmon_counters_refusal* why) {
  hftmon_counters_refusal unwanted;
  if (why == NULL) why = &unwanted;
  hftmon_refusal_clear(why);
  struct opening opening = {.host = host, .events = events, .count = count, .why = why};
  if (!request_holds(events, count, why) || !choose_kind(&opening)) {
    errno = errno_of(why);
    return NULL;
  }
  struct own_counters* const own = hftmon_wiped_memory(sizeof(*own));
  if (own == NULL) {
    hftmon_refusal_say(why, HFTMON_COUNTERS_NO_MEMORY, errno, NULL, "no page of memory is left", "raise the limit of the process's memory");
    errno = errno_of(why);
    return NULL;
  }
  opening.handle = &own->handle;
  own->host = host;
  opening.long_counters = true;
  bool done = open_group(&opening);
#if defined(__aarch64__)
  /* The one counter of cycles may be another's, while cycles fit into one of 32 bits. */
  if (!done && why->cause == HFTMON_COUNTERS_TAKEN) {
    opening.long_counters = false;
    done = open_group(&opening);
  }
#endif
  if (done) {
    own->handle.thread = hftmon_counters_thread();
    return &own->handle;
  }
  munmap(own, sizeof(*own));
  errno = errno_of(why);
  return NULL;
}

hftmon_counters* hftmon_counters_open(const hftmon_counter_event* events, uint32_t count, hftmon_counters_refusal* why) {
  return hftmon_counters_open_on(hftmon_counters_system(), events, count, why);
}

static bool is_closed(const hftmon_counters* counters) {
  return counters == NULL || counters->thread == NULL;
}

void hftmon_counters_close(hftmon_counters* counters) {
  if (is_closed(counters)) return;
  struct own_counters* const own = (struct own_counters*)counters;
  unmap_pages(own->host, counters);
  munmap(own, sizeof(*own));
}

void hftmon_counters_explain(const hftmon_counters* counters, hftmon_counters_refusal* why) {
  if (why == NULL) return;
  hftmon_refusal_clear(why);
  if (is_closed(counters)) {
    hftmon_refusal_say(why, HFTMON_COUNTERS_CLOSED, 0, NULL, "the handle is NULL, or the parent's in a forked child",
                       "open the counters in this thread of this process");
  } else if (counters->thread != hftmon_counters_thread()) {
    hftmon_refusal_say(why, HFTMON_COUNTERS_OTHER_THREAD, 0, NULL, "the handle is another thread's", "open counters in each thread");
  } else {
    all_count(((const struct own_counters*)counters)->host, counters, NULL, why);
  }
}

bool hftmon_counters_own_cost(const hftmon_counters* counters, hftmon_counters_reading* out) {
  bool found = false;
  for (int pair = 0; pair < OWN_COST_PAIRS; ++pair) {
    hftmon_counters_reading begin;
    hftmon_counters_reading end;
    if (!hftmon_counters_read(counters, &begin) || !hftmon_counters_read(counters, &end) || !hftmon_counters_whole(&begin, &end)) continue;
    for (uint32_t i = 0; i < counters->count; ++i) {
      const uint64_t cost = end.values[i] - begin.values[i];
      if (!found || cost < out->values[i]) out->values[i] = cost;
    }
    found = true;
  }
  if (!found) return false;
  out->paused_ns = 0;
  out->count = counters->count;
  return true;
}
