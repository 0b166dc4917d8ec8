#include "client/marker/hftmon_counter_profile.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client/marker/profile_json.h"
#include "client/marker/profile_sums.h"

#define LINE_BYTES 64u

static size_t whole_lines(size_t bytes) {
  return (bytes + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
}

static size_t sums_count(const hftmon_counter_profile* profile) {
  return (size_t)profile->operation_max * profile->counter_count;
}

static struct hftmon_profile_sums* sums_of(const hftmon_counter_profile* profile, uint32_t operation, uint32_t counter) {
  return &profile->sums[(size_t)operation * profile->counter_count + counter];
}

hftmon_counter_profile* hftmon_counter_profile_create(uint32_t operation_max, uint32_t counter_count) {
  if (operation_max == 0 || operation_max > HFTMON_PROFILE_OPERATIONS_MAX || counter_count == 0 || counter_count > HFTMON_COUNTERS_MAX) {
    errno = EINVAL;
    return NULL;
  }
  const size_t uncounted_at = whole_lines(sizeof(hftmon_counter_profile));
  const size_t sums_at = uncounted_at + whole_lines(operation_max * sizeof(uint64_t));
  const size_t bytes = sums_at + (size_t)operation_max * counter_count * sizeof(struct hftmon_profile_sums);
  void* const memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) {
    errno = ENOMEM;
    return NULL;
  }
  hftmon_counter_profile* const profile = memory;
  profile->uncounted_counts = (uint64_t*)((char*)memory + uncounted_at);
  profile->sums = (struct hftmon_profile_sums*)((char*)memory + sums_at);
  profile->operation_max = operation_max;
  profile->counter_count = counter_count;
  profile->bytes = bytes;
  hftmon_counter_profile_reset(profile); /* writes to every page: MAP_POPULATE does not say where it failed */
  return profile;
}

void hftmon_counter_profile_destroy(hftmon_counter_profile* profile) {
  if (profile != NULL) munmap(profile, profile->bytes);
}

void hftmon_counter_profile_reset(hftmon_counter_profile* profile) {
  if (profile == NULL) return;
  hftmon_sums_clear(profile->sums, sums_count(profile));
  memset(profile->uncounted_counts, 0, profile->operation_max * sizeof(uint64_t));
  profile->unknown_operation_count = 0;
}

void hftmon_counter_profile_refuse(hftmon_counter_profile* profile, uint32_t operation, uint32_t counter, uint64_t amount) {
  if (profile == NULL) return;
  if (operation >= profile->operation_max) {
    ++profile->unknown_operation_count;
  } else {
    hftmon_sums_refuse(sums_of(profile, operation, counter), amount);
  }
}

/* How often an operation was added, whatever became of it: each time all of its counters were, or none. */
static uint64_t added_count(const hftmon_counter_profile* profile, uint32_t operation) {
  const struct hftmon_profile_sums* const first = sums_of(profile, operation, 0);
  return profile->uncounted_counts[operation] + hftmon_sums_count(first) + first->backwards_count + first->overlong_count;
}

bool hftmon_counter_profile_merge(hftmon_counter_profile* into, const hftmon_counter_profile* from) {
  if (into == NULL || from == NULL || into->counter_count != from->counter_count) {
    errno = EINVAL;
    return false;
  }
  if (into == from) return true;
  for (uint32_t operation = 0; operation < from->operation_max; ++operation) {
    if (operation >= into->operation_max) {
      into->unknown_operation_count += added_count(from, operation);
      continue;
    }
    into->uncounted_counts[operation] += from->uncounted_counts[operation];
    for (uint32_t i = 0; i < from->counter_count; ++i) hftmon_sums_merge(sums_of(into, operation, i), sums_of(from, operation, i));
  }
  into->unknown_operation_count += from->unknown_operation_count;
  return true;
}

uint64_t hftmon_counter_profile_unknown_operation_count(const hftmon_counter_profile* profile) {
  return profile == NULL ? 0 : profile->unknown_operation_count;
}

static void clear_figures(hftmon_counter_figures* out) {
  *out = (hftmon_counter_figures){.mean = -1, .min = -1, .max = -1, .p50 = -1, .p90 = -1, .p95 = -1, .p99 = -1, .p99_9 = -1, .p99_999 = -1};
}

static void fill_figures(const hftmon_counter_profile* profile, uint32_t operation, uint32_t counter, hftmon_counter_figures* out) {
  clear_figures(out);
  const struct hftmon_profile_sums* const sums = sums_of(profile, operation, counter);
  out->count = hftmon_sums_count(sums);
  out->error_count = sums->error_count;
  out->uncounted_count = profile->uncounted_counts[operation];
  out->backwards_count = sums->backwards_count;
  out->overlarge_count = sums->overlong_count;
  if (out->count == 0) return;
  out->sum = sums->sum_ticks;
  out->mean = (double)sums->sum_ticks / (double)out->count;
  out->min = (int64_t)sums->min_ticks;
  out->max = (int64_t)sums->max_ticks;
  int64_t* const values[HFTMON_PERCENTILES] = {&out->p50, &out->p90, &out->p95, &out->p99, &out->p99_9, &out->p99_999};
  uint64_t amounts[HFTMON_PERCENTILES];
  hftmon_sums_percentiles(sums, amounts);
  for (uint32_t i = 0; i < HFTMON_PERCENTILES; ++i) {
    if (amounts[i] != HFTMON_NO_PERCENTILE) *values[i] = (int64_t)amounts[i];
  }
}

bool hftmon_counter_profile_read(const hftmon_counter_profile* profile, uint32_t operation, uint32_t counter, hftmon_counter_figures* out) {
  if (profile != NULL && operation < profile->operation_max && counter < profile->counter_count) {
    fill_figures(profile, operation, counter, out);
    return true;
  }
  clear_figures(out);
  errno = EINVAL;
  return false;
}

static void write_amount(const char* key, int64_t value, FILE* file) {
  if (value >= 0) fprintf(file, ", \"%s\": %" PRId64, key, value);
}

static void write_counter(const char* name, const hftmon_counter_figures* figures, FILE* file) {
  fputs("{\"name\": ", file);
  hftmon_json_string(name, file);
  fprintf(file, ", \"count\": %" PRIu64 ", \"error_count\": %" PRIu64, figures->count, figures->error_count);
  fprintf(file, ", \"backwards_count\": %" PRIu64 ", \"overlarge_count\": %" PRIu64, figures->backwards_count, figures->overlarge_count);
  if (figures->count != 0) {
    fprintf(file, ", \"sum\": %" PRIu64, figures->sum);
    hftmon_json_decimal("mean", figures->mean, file);
  }
  write_amount("min", figures->min, file);
  write_amount("max", figures->max, file);
  const int64_t values[HFTMON_PERCENTILES] = {figures->p50, figures->p90, figures->p95, figures->p99, figures->p99_9, figures->p99_999};
  for (uint32_t i = 0; i < HFTMON_PERCENTILES; ++i) write_amount(hftmon_percentile_names[i], values[i], file);
  fputc('}', file);
}

static void write_operation(const hftmon_counter_profile* profile, uint32_t operation, const char* name, const hftmon_counter_event* events,
                            FILE* file) {
  fprintf(file, "{\"pid\": %ld, \"name\": ", (long)getpid());
  hftmon_json_string(name, file);
  fprintf(file, ", \"uncounted_count\": %" PRIu64 ", \"counters\": [", profile->uncounted_counts[operation]);
  for (uint32_t i = 0; i < profile->counter_count; ++i) {
    hftmon_counter_figures figures;
    fill_figures(profile, operation, i, &figures);
    if (i != 0) fputs(", ", file);
    write_counter(events != NULL && events[i].name != NULL ? events[i].name : "", &figures, file);
  }
  fputs("]}", file);
}

bool hftmon_counter_profile_write_json(const hftmon_counter_profile* profile, const char* const* names, const hftmon_counter_event* events,
                                       FILE* file) {
  if (profile == NULL) {
    errno = EINVAL;
    return false;
  }
  const char* separator = "";
  fputs("{\"operations\": [", file);
  for (uint32_t operation = 0; operation < profile->operation_max; ++operation) {
    if (added_count(profile, operation) == 0) continue;
    fputs(separator, file);
    separator = ", ";
    write_operation(profile, operation, names != NULL && names[operation] != NULL ? names[operation] : "", events, file);
  }
  fprintf(file, "], \"unknown_operation_count\": %" PRIu64 "}\n", profile->unknown_operation_count);
  return fflush(file) == 0 && ferror(file) == 0;
}
