#include "client/marker/hftmon_profile.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "client/marker/profile_json.h"
#include "client/marker/profile_sums.h"

#define LINE_BYTES 64u
#define CLOCK_ATTEMPTS 16

_Static_assert(sizeof(struct hftmon_profile_sums) % LINE_BYTES == 0, "operations share no line");

/* What a reading makes of ticks. */
struct conversion {
  double ns_per_tick;
  double tick_error_ppm;
  double elapsed_s; /* since creation or reset */
};

/* The closest of some attempts: a thread may be off its CPU between two readings. */
static struct hftmon_profile_clocks read_clocks(void) {
  struct hftmon_profile_clocks best = {.window_ticks = UINT64_MAX};
  for (int attempt = 0; attempt < CLOCK_ATTEMPTS; ++attempt) {
    struct timespec now;
    const uint64_t before = hftmon_marker_tsc();
    clock_gettime(CLOCK_MONOTONIC, &now);
    const uint64_t window = hftmon_marker_tsc() - before + 1; /* a tick more: a slow counter may not move meanwhile */
    if (window >= best.window_ticks) continue;
    best.tsc = before + window / 2;
    best.ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    best.window_ticks = window;
  }
  return best;
}

/* 0, or an errno. */
static int convert_now(const hftmon_profile* profile, struct conversion* out) {
  const struct hftmon_profile_clocks now = read_clocks();
  const int64_t ticks = (int64_t)(now.tsc - profile->created.tsc);
  if (ticks <= 0 || now.ns <= profile->created.ns || now.ns <= profile->since_ns) return EAGAIN;
  out->ns_per_tick = (double)(now.ns - profile->created.ns) / (double)ticks;
  /* Each pair is half its window off at most, and the CPU may read the counter as far again from its place in the program. */
  out->tick_error_ppm = 1e6 * ((double)now.window_ticks + (double)profile->created.window_ticks) / (double)ticks;
  out->elapsed_s = (double)(now.ns - profile->since_ns) / 1e9;
  return 0;
}

static int64_t to_ns(const struct conversion* conversion, uint64_t ticks) {
  const double ns = (double)ticks * conversion->ns_per_tick + 0.5;
  return ns < 0x1p63 ? (int64_t)ns : INT64_MAX;
}

hftmon_profile* hftmon_profile_create(uint32_t operation_max) {
  if (operation_max == 0 || operation_max > HFTMON_PROFILE_OPERATIONS_MAX) {
    errno = EINVAL;
    return NULL;
  }
  const size_t sums_at = (sizeof(hftmon_profile) + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
  const size_t bytes = sums_at + (size_t)operation_max * sizeof(struct hftmon_profile_sums);
  void* const memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) {
    errno = ENOMEM;
    return NULL;
  }
  hftmon_profile* const profile = memory;
  profile->sums = (struct hftmon_profile_sums*)((char*)memory + sums_at);
  profile->operation_max = operation_max;
  profile->bytes = bytes;
  hftmon_profile_reset(profile); /* writes to every page: MAP_POPULATE does not say where it failed */
  profile->created = read_clocks();
  profile->since_ns = profile->created.ns;
  return profile;
}

void hftmon_profile_destroy(hftmon_profile* profile) {
  if (profile != NULL) munmap(profile, profile->bytes);
}

void hftmon_profile_reset(hftmon_profile* profile) {
  if (profile == NULL) return;
  hftmon_sums_clear(profile->sums, profile->operation_max);
  profile->unknown_operation_count = 0;
  profile->since_ns = read_clocks().ns;
}

void hftmon_profile_refuse(hftmon_profile* profile, uint32_t operation, uint64_t ticks) {
  if (profile == NULL) return;
  if (operation >= profile->operation_max) {
    ++profile->unknown_operation_count;
  } else {
    hftmon_sums_refuse(&profile->sums[operation], ticks);
  }
}

void hftmon_profile_merge(hftmon_profile* into, const hftmon_profile* from) {
  if (into == NULL || from == NULL || into == from) return;
  for (uint32_t i = 0; i < from->operation_max; ++i) {
    const struct hftmon_profile_sums* const sums = &from->sums[i];
    if (i < into->operation_max) {
      hftmon_sums_merge(&into->sums[i], sums);
    } else {
      into->unknown_operation_count += hftmon_sums_count(sums) + sums->backwards_count + sums->overlong_count;
    }
  }
  into->unknown_operation_count += from->unknown_operation_count;
  if (from->created.ns < into->created.ns) into->created = from->created;
  if (from->since_ns < into->since_ns) into->since_ns = from->since_ns;
}

uint64_t hftmon_profile_unknown_operation_count(const hftmon_profile* profile) {
  return profile == NULL ? 0 : profile->unknown_operation_count;
}

static void fill_percentiles(const struct hftmon_profile_sums* sums, const struct conversion* conversion, hftmon_profile_figures* out) {
  int64_t* const values_ns[HFTMON_PERCENTILES] = {&out->p50_ns, &out->p90_ns, &out->p95_ns, &out->p99_ns, &out->p99_9_ns, &out->p99_999_ns};
  uint64_t ticks[HFTMON_PERCENTILES];
  hftmon_sums_percentiles(sums, ticks);
  for (uint32_t i = 0; i < HFTMON_PERCENTILES; ++i) {
    if (ticks[i] != HFTMON_NO_PERCENTILE) *values_ns[i] = to_ns(conversion, ticks[i]);
  }
}

static void clear_figures(hftmon_profile_figures* out) {
  *out = (hftmon_profile_figures){
      .mean_ns = -1,
      .min_ns = -1,
      .max_ns = -1,
      .p50_ns = -1,
      .p90_ns = -1,
      .p95_ns = -1,
      .p99_ns = -1,
      .p99_9_ns = -1,
      .p99_999_ns = -1,
  };
}

static void fill_figures(const struct hftmon_profile_sums* sums, const struct conversion* conversion, hftmon_profile_figures* out) {
  clear_figures(out);
  out->count = hftmon_sums_count(sums);
  out->error_count = sums->error_count;
  out->backwards_count = sums->backwards_count;
  out->overlong_count = sums->overlong_count;
  out->rate_hz = (double)out->count / conversion->elapsed_s;
  out->tick_error_ppm = conversion->tick_error_ppm;
  if (out->count == 0) return;
  out->sum_ns = to_ns(conversion, sums->sum_ticks);
  out->mean_ns = out->sum_ns / (int64_t)out->count;
  out->min_ns = to_ns(conversion, sums->min_ticks);
  out->max_ns = to_ns(conversion, sums->max_ticks);
  fill_percentiles(sums, conversion, out);
}

bool hftmon_profile_read(const hftmon_profile* profile, uint32_t operation, hftmon_profile_figures* out) {
  struct conversion conversion;
  int error = EINVAL;
  if (profile != NULL && operation < profile->operation_max) error = convert_now(profile, &conversion);
  if (error == 0) {
    fill_figures(&profile->sums[operation], &conversion, out);
    return true;
  }
  clear_figures(out);
  errno = error;
  return false;
}

static void write_duration(const char* key, int64_t value_ns, FILE* file) {
  if (value_ns >= 0) fprintf(file, ", \"%s\": %" PRId64, key, value_ns);
}

static void write_operation(const char* name, const hftmon_profile_figures* figures, FILE* file) {
  const int64_t values_ns[HFTMON_PERCENTILES] = {figures->p50_ns, figures->p90_ns,   figures->p95_ns,
                                                 figures->p99_ns, figures->p99_9_ns, figures->p99_999_ns};
  fprintf(file, "{\"pid\": %ld, \"name\": ", (long)getpid());
  hftmon_json_string(name, file);
  fprintf(file, ", \"count\": %" PRIu64 ", \"error_count\": %" PRIu64, figures->count, figures->error_count);
  fprintf(file, ", \"backwards_count\": %" PRIu64 ", \"overlong_count\": %" PRIu64, figures->backwards_count, figures->overlong_count);
  hftmon_json_decimal("rate_hz", figures->rate_hz, file);
  write_duration("sum_ns", figures->sum_ns, file);
  write_duration("mean_ns", figures->mean_ns, file);
  write_duration("min_ns", figures->min_ns, file);
  write_duration("max_ns", figures->max_ns, file);
  for (uint32_t i = 0; i < HFTMON_PERCENTILES; ++i) {
    char key[16];
    snprintf(key, sizeof(key), "%s_ns", hftmon_percentile_names[i]);
    write_duration(key, values_ns[i], file);
  }
  fputc('}', file);
}

bool hftmon_profile_write_json(const hftmon_profile* profile, const char* const* names, FILE* file) {
  struct conversion conversion;
  const int error = profile == NULL ? EINVAL : convert_now(profile, &conversion);
  if (error != 0) {
    errno = error;
    return false;
  }
  const char* separator = "";
  fputs("{\"operations\": [", file);
  for (uint32_t i = 0; i < profile->operation_max; ++i) {
    hftmon_profile_figures figures;
    fill_figures(&profile->sums[i], &conversion, &figures);
    if (figures.count + figures.backwards_count + figures.overlong_count == 0) continue;
    fputs(separator, file);
    separator = ", ";
    write_operation(names != NULL && names[i] != NULL ? names[i] : "", &figures, file);
  }
  fprintf(file, "], \"unknown_operation_count\": %" PRIu64, profile->unknown_operation_count);
  hftmon_json_decimal("tick_error_ppm", conversion.tick_error_ppm, file);
  fputs("}\n", file);
  return fflush(file) == 0 && ferror(file) == 0;
}
