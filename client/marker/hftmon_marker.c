#include "client/marker/hftmon_marker.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/marker/marker_file.h"
#include "client/marker/marker_ranges.h"
#include "client/marker/wiped_memory.h"

#define MARKERS_MAX 16u       /* open at once, of a process */
#define THREAD_MARKERS_MAX 4u /* that hftmon_marker_this_thread serves, of a thread */
#define DEFAULT_THREAD_MAX 64u
#define DEFAULT_RECORD_MAX 524288u
#define DEFAULT_OPERATION_MAX 1024u

/*
 * Stands, with its threads' handles behind it, in anonymous memory that the kernel gives a forked child as zeros (MADV_WIPEONFORK): a
 * handle of the parent's then has no records, as a closed one, so a record needs no test of its own for it.
 */
struct hftmon_marker {
  uint64_t generation; /* of all markers that this process ever made; 0: a forked child's */
  pthread_mutex_t mutex;
  size_t bytes; /* of this memory */
  struct hftmon_marker_file file;
  struct hftmon_marker_bounds bounds;
  uint32_t fresh_thread; /* rings from here on were never taken */
  bool ranges_are_there; /* their memory is reserved */
  bool taken[HFT_MARKER_THREADS_MAX];
  hftmon_marker_thread* threads; /* a line each */
};

/* The process's open markers, so that the end of a thread can tell whether the marker of its handle is still there. Wiped in a child too.
 */
struct registry {
  pthread_mutex_t mutex; /* all zeros is an open mutex */
  struct {
    hftmon_marker* marker;
    uint64_t generation;
  } open[MARKERS_MAX];
};

struct thread_entry {
  hftmon_marker* marker;
  uint64_t generation;
  hftmon_marker_thread* thread;
};

static struct registry* registry;
/* Of markers made, by this process and those that it was forked from: not wiped, as a thread's entries are not, which must not fit a marker
 * that the child makes at the same address. Under the registry's mutex. */
static uint64_t last_generation;
static int registry_error;
static pthread_key_t thread_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Thread_local struct thread_entry thread_entries[THREAD_MARKERS_MAX];

static bool is_open(const hftmon_marker* marker, uint64_t generation) {
  for (uint32_t i = 0; i < MARKERS_MAX; ++i) {
    if (registry->open[i].marker == marker && registry->open[i].generation == generation) return true;
  }
  return false;
}

/* When a thread ends: its handles are closed, of markers that are still there. */
static void close_entries(void* entries_of_thread) {
  struct thread_entry* const entries = entries_of_thread;
  pthread_mutex_lock(&registry->mutex);
  for (uint32_t i = 0; i < THREAD_MARKERS_MAX; ++i) {
    if (entries[i].marker != NULL && is_open(entries[i].marker, entries[i].generation)) hftmon_marker_thread_close(entries[i].thread);
  }
  pthread_mutex_unlock(&registry->mutex);
  memset(entries, 0, sizeof(thread_entries));
}

static void start_once(void) {
  registry = hftmon_wiped_memory(sizeof(*registry));
  if (registry == NULL) {
    registry_error = errno;
    return;
  }
  registry_error = pthread_key_create(&thread_key, close_entries);
}

static bool choose_bounds(const hftmon_marker_options* options, struct hftmon_marker_bounds* bounds) {
  static const hftmon_marker_options defaults;
  if (options == NULL) options = &defaults;
  bounds->thread_max = options->thread_max != 0 ? options->thread_max : DEFAULT_THREAD_MAX;
  bounds->record_max = options->record_max != 0 ? options->record_max : DEFAULT_RECORD_MAX;
  bounds->operation_max = options->operation_max != 0 ? options->operation_max : DEFAULT_OPERATION_MAX;
  return hft_marker_bounds_hold(bounds->operation_max, bounds->thread_max, bounds->record_max, HFT_MARKER_RANGES_MAX) != 0;
}

/* Its memory with the bounds, without a file; NULL and errno. */
static hftmon_marker* allocate(const struct hftmon_marker_bounds* bounds) {
  const size_t threads_at = (sizeof(hftmon_marker) + HFT_MARKER_LINE_BYTES - 1) / HFT_MARKER_LINE_BYTES * HFT_MARKER_LINE_BYTES;
  const size_t bytes = threads_at + (size_t)bounds->thread_max * HFT_MARKER_LINE_BYTES;
  hftmon_marker* const marker = hftmon_wiped_memory(bytes);
  if (marker == NULL) return NULL;
  _Static_assert(sizeof(hftmon_marker_thread) <= HFT_MARKER_LINE_BYTES, "a handle is a line");
  marker->bytes = bytes;
  marker->bounds = *bounds;
  marker->threads = (hftmon_marker_thread*)((char*)marker + threads_at);
  return marker;
}

/* With the registry's mutex. 0, or an errno. */
static int register_marker(hftmon_marker* marker) {
  for (uint32_t i = 0; i < MARKERS_MAX; ++i) {
    if (registry->open[i].marker != NULL) continue;
    marker->generation = ++last_generation;
    registry->open[i].marker = marker;
    registry->open[i].generation = marker->generation;
    return 0;
  }
  return EMFILE;
}

static void unregister_marker(const hftmon_marker* marker) {
  for (uint32_t i = 0; i < MARKERS_MAX; ++i) {
    if (registry->open[i].marker == marker) registry->open[i].marker = NULL;
  }
}

hftmon_marker* hftmon_marker_create(const hftmon_marker_options* options) {
  struct hftmon_marker_bounds bounds;
  if (!choose_bounds(options, &bounds)) {
    errno = EINVAL;
    return NULL;
  }
  pthread_once(&once, start_once);
  if (registry_error != 0) {
    errno = registry_error;
    return NULL;
  }
  hftmon_marker* const marker = allocate(&bounds);
  if (marker == NULL) return NULL;
  const char* const directory = options != NULL && options->directory != NULL ? options->directory : "/dev/shm";
  pthread_mutex_lock(&registry->mutex);
  int error = register_marker(marker);
  if (error == 0) {
    error = hftmon_marker_file_create(directory, &bounds, &marker->file);
    if (error != 0) unregister_marker(marker);
  }
  pthread_mutex_unlock(&registry->mutex);
  if (error == 0) return marker;
  munmap(marker, marker->bytes);
  errno = error;
  return NULL;
}

/* NULL, or what a child has of its parent's. */
static bool is_closed(const hftmon_marker* marker) {
  return marker == NULL || marker->generation == 0;
}

void hftmon_marker_close(hftmon_marker* marker) {
  if (is_closed(marker)) return;
  pthread_mutex_lock(&registry->mutex);
  unregister_marker(marker);
  pthread_mutex_unlock(&registry->mutex);
  hftmon_marker_file_close(&marker->file);
  munmap(marker, marker->bytes);
}

const char* hftmon_marker_path(const hftmon_marker* marker) {
  return is_closed(marker) ? NULL : marker->file.path;
}

/* With the marker's mutex. 0: no room. */
static uint32_t add_operation(hftmon_marker* marker, const char* name, uint32_t bytes) {
  struct hft_marker_header* const header = marker->file.header;
  struct hft_marker_operation* const operations = (struct hft_marker_operation*)((char*)header + HFT_MARKER_OPERATIONS_AT);
  const uint32_t count = header->operation_count;
  for (uint32_t i = 1; i < count; ++i) {
    if (operations[i].name_bytes == bytes && memcmp(operations[i].name, name, bytes) == 0) return i;
  }
  if (count >= marker->bounds.operation_max) return 0;
  memcpy(operations[count].name, name, bytes);
  operations[count].name_bytes = bytes;
  /* Release: the name is there. Pairs with the reader's copy of the count before that of the names. */
  __atomic_store_n(&header->operation_count, count + 1, __ATOMIC_RELEASE);
  return count;
}

/* 0: it is no name. */
static uint32_t name_bytes_of(const char* name) {
  const size_t bytes = name == NULL ? 0 : strnlen(name, HFT_MARKER_NAME_BYTES + 1);
  return bytes > HFT_MARKER_NAME_BYTES ? 0 : (uint32_t)bytes;
}

uint32_t hftmon_marker_operation(hftmon_marker* marker, const char* name) {
  if (is_closed(marker)) {
    errno = EBADF;
    return 0;
  }
  const uint32_t bytes = name_bytes_of(name);
  if (bytes == 0) {
    errno = EINVAL;
    return 0;
  }
  pthread_mutex_lock(&marker->mutex);
  const uint32_t operation = add_operation(marker, name, bytes);
  pthread_mutex_unlock(&marker->mutex);
  if (operation == 0) errno = ENOSPC;
  return operation;
}

static struct hft_marker_range* ranges_of(const hftmon_marker* marker) {
  const struct hftmon_marker_bounds* const bounds = &marker->bounds;
  const uint64_t at = hft_marker_ranges_at(bounds->operation_max, bounds->thread_max, bounds->record_max);
  return (struct hft_marker_range*)((char*)marker->file.header + at);
}

/* A program without ranges takes no memory for them. With the marker's mutex. 0, or an errno. */
static int reserve_ranges(hftmon_marker* marker) {
  if (marker->ranges_are_there) return 0;
  const uint64_t at = (uint64_t)((char*)ranges_of(marker) - (char*)marker->file.header);
  const int error = hftmon_marker_file_reserve(&marker->file, at, marker->file.bytes - at);
  marker->ranges_are_there = error == 0;
  return error;
}

uint32_t hftmon_marker_range(hftmon_marker* marker, const char* name, const void* address, size_t bytes) {
  if (is_closed(marker)) {
    errno = EBADF;
    return 0;
  }
  const uint32_t name_bytes = name_bytes_of(name);
  if (name_bytes == 0 || !hft_marker_range_holds((uintptr_t)address, bytes)) {
    errno = EINVAL;
    return 0;
  }
  uint32_t range = 0;
  pthread_mutex_lock(&marker->mutex);
  const int error = reserve_ranges(marker);
  if (error == 0) range = hftmon_marker_ranges_add(ranges_of(marker), name, name_bytes, (uintptr_t)address, bytes);
  pthread_mutex_unlock(&marker->mutex);
  if (range == 0) errno = error != 0 ? error : ENOSPC;
  return range;
}

void hftmon_marker_range_end(hftmon_marker* marker, uint32_t range) {
  if (is_closed(marker) || range == 0) return;
  pthread_mutex_lock(&marker->mutex);
  if (marker->ranges_are_there) hftmon_marker_ranges_remove(ranges_of(marker), range);
  pthread_mutex_unlock(&marker->mutex);
}

uint64_t hftmon_marker_published_count(const hftmon_marker_thread* thread) {
  if (thread == NULL || thread->records == NULL) return 0;
  return thread->index;
}

/* Fills the handle of ring `number` and announces the thread in it. With the marker's mutex. 0, or an errno. */
static int take_ring(hftmon_marker* marker, uint32_t number) {
  const struct hftmon_marker_bounds* const bounds = &marker->bounds;
  char* const memory = (char*)marker->file.header;
  const uint64_t at = hft_marker_ring_at(bounds->operation_max, bounds->thread_max, bounds->record_max, number);
  if (number >= marker->fresh_thread) {
    const int error = hftmon_marker_file_reserve(&marker->file, at, (uint64_t)bounds->record_max * sizeof(struct hft_marker_record));
    if (error != 0) return error;
    marker->fresh_thread = number + 1;
  }
  hftmon_marker_thread* const thread = (hftmon_marker_thread*)((char*)marker->threads + (size_t)number * HFT_MARKER_LINE_BYTES);
  memset(thread, 0, sizeof(*thread));
  thread->records = (struct hft_marker_record*)(memory + at);
  thread->producer = (struct hft_marker_producer*)(memory + hft_marker_producers_at(bounds->operation_max)) + number;
  thread->mask = bounds->record_max - 1;
  thread->marker = marker;
  thread->number = number;
  thread->index = thread->producer->published;
  const uint32_t tid = (uint32_t)syscall(SYS_gettid);
  thread->producer->first_index = thread->index;
  __atomic_store_n(&thread->producer->tid, tid, __ATOMIC_RELEASE);
  hftmon_marker_put(thread, 0, tid, HFT_MARKER_THREAD, HFT_MARKER_OK);
  marker->taken[number] = true;
  return 0;
}

hftmon_marker_thread* hftmon_marker_thread_open(hftmon_marker* marker) {
  if (is_closed(marker)) {
    errno = EBADF;
    return NULL;
  }
  int error = EAGAIN;
  hftmon_marker_thread* thread = NULL;
  pthread_mutex_lock(&marker->mutex);
  for (uint32_t number = 0; number < marker->bounds.thread_max && error == EAGAIN; ++number) {
    if (marker->taken[number]) continue;
    error = take_ring(marker, number);
    if (error == 0) thread = (hftmon_marker_thread*)((char*)marker->threads + (size_t)number * HFT_MARKER_LINE_BYTES);
  }
  pthread_mutex_unlock(&marker->mutex);
  if (thread == NULL) errno = error;
  return thread;
}

void hftmon_marker_thread_close(hftmon_marker_thread* thread) {
  if (thread == NULL || thread->records == NULL) return;
  hftmon_marker* const marker = thread->marker;
  pthread_mutex_lock(&marker->mutex);
  marker->taken[thread->number] = false;
  memset(thread, 0, sizeof(*thread));
  pthread_mutex_unlock(&marker->mutex);
}

/* Out of the way of hftmon_marker_this_thread: the thread's first call for this marker. */
static hftmon_marker_thread* open_entry(hftmon_marker* marker) {
  if (is_closed(marker)) {
    errno = EBADF;
    return NULL;
  }
  struct thread_entry* room = NULL;
  pthread_mutex_lock(&registry->mutex);
  for (uint32_t i = 0; i < THREAD_MARKERS_MAX && room == NULL; ++i) {
    /* Also the place of a marker that was closed meanwhile. */
    if (!is_open(thread_entries[i].marker, thread_entries[i].generation) || thread_entries[i].marker == NULL) room = &thread_entries[i];
  }
  pthread_mutex_unlock(&registry->mutex);
  if (room == NULL) {
    errno = ENOSPC;
    return NULL;
  }
  hftmon_marker_thread* const thread = hftmon_marker_thread_open(marker);
  if (thread == NULL) return NULL;
  *room = (struct thread_entry){.marker = marker, .generation = marker->generation, .thread = thread};
  pthread_setspecific(thread_key, thread_entries);
  return thread;
}

hftmon_marker_thread* hftmon_marker_this_thread(hftmon_marker* marker) {
  if (marker == NULL) return NULL;
  for (uint32_t i = 0; i < THREAD_MARKERS_MAX; ++i) {
    if (thread_entries[i].marker == marker && thread_entries[i].generation == marker->generation) return thread_entries[i].thread;
  }
  return open_entry(marker);
}
