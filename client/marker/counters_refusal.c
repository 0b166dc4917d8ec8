#include "client/marker/counters_refusal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PARANOID "/proc/sys/kernel/perf_event_paranoid"
#define MLOCK "/proc/sys/kernel/perf_event_mlock_kb"
#define USER_ACCESS "/proc/sys/kernel/perf_user_access"
#define SENTENCE_BYTES 200u

void hftmon_refusal_clear(hftmon_counters_refusal* why) {
  why->cause = HFTMON_COUNTERS_NO_CAUSE;
  why->error = 0;
  why->text[0] = '\0';
}

void hftmon_refusal_say(hftmon_counters_refusal* why, hftmon_counters_cause cause, int error, const hftmon_counter_event* event,
                        const char* reason, const char* mend) {
  why->cause = cause;
  why->error = error;
  const char* const name = event == NULL ? "counters" : event->name != NULL ? event->name : "event";
  snprintf(why->text, sizeof(why->text), "%.60s: %s: %s", name, reason, mend);
}

/* Which every hardware PMU has. */
static bool has_cycles(const struct hftmon_counters_host* host) {
  struct perf_event_attr attributes;
  memset(&attributes, 0, sizeof(attributes));
  attributes.type = PERF_TYPE_HARDWARE;
  attributes.size = sizeof(attributes);
  attributes.config = PERF_COUNT_HW_CPU_CYCLES;
  attributes.disabled = 1;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  const int descriptor = host->open_event(host->context, &attributes, -1);
  if (descriptor >= 0) host->close_event(host->context, descriptor);
  return descriptor >= 0;
}

static void missing(const struct hftmon_counters_host* host, const hftmon_counter_event* event, int error, hftmon_counters_refusal* why) {
  char reason[SENTENCE_BYTES];
  if (event->type == PERF_TYPE_SOFTWARE || event->type == PERF_TYPE_TRACEPOINT || event->type == PERF_TYPE_BREAKPOINT) {
    snprintf(reason, sizeof(reason), "this kernel has no such event (%s), and no processor counts it", strerror(error));
    hftmon_refusal_say(why, HFTMON_COUNTERS_NO_EVENT, error, event, reason, "choose an event of the processor's");
  } else if (has_cycles(host)) {
    snprintf(reason, sizeof(reason), "this processor's PMU has no such event (%s)", strerror(error));
    hftmon_refusal_say(why, HFTMON_COUNTERS_NO_EVENT, error, event, reason,
                       "choose another one, or give the processor's own code (`perf list` has them)");
  } else {
    snprintf(reason, sizeof(reason), "no hardware PMU (%s): a virtual machine without one, or the driver is missing", strerror(error));
    hftmon_refusal_say(why, HFTMON_COUNTERS_NO_PMU, error, event, reason,
                       "run on the bare machine, or let the hypervisor pass the PMU through");
  }
}

static void forbidden(const struct hftmon_counters_host* host, const hftmon_counter_event* event, int error, hftmon_counters_refusal* why) {
  char reason[SENTENCE_BYTES];
  const int level = hftmon_host_read_number(host, PARANOID, -2);
  const bool kernel_too = (event->flags & HFTMON_COUNTER_KERNEL) != 0;
  if (error == EACCES && level > 2) {
    snprintf(reason, sizeof(reason), "kernel.perf_event_paranoid is %d (%s)", level, strerror(error));
    hftmon_refusal_say(why, HFTMON_COUNTERS_PARANOID, error, event, reason, "sysctl kernel.perf_event_paranoid=2");
  } else if (error == EACCES && level == 2 && kernel_too) {
    snprintf(reason, sizeof(reason), "kernel.perf_event_paranoid is 2: the kernel's work is not counted without CAP_PERFMON (%s)",
             strerror(error));
    hftmon_refusal_say(why, HFTMON_COUNTERS_PARANOID, error, event, reason,
                       "count user code alone, give CAP_PERFMON, or sysctl kernel.perf_event_paranoid=1");
  } else {
    snprintf(reason, sizeof(reason), "seccomp or a security module refuses perf_event_open (%s)", strerror(error));
    hftmon_refusal_say(why, HFTMON_COUNTERS_FORBIDDEN, error, event, reason,
                       "let the container's seccomp profile pass perf_event_open, or see what the kernel log says is denied");
  }
}

static void invalid(const hftmon_counter_event* event, int error, bool in_group, hftmon_counters_refusal* why) {
  char reason[SENTENCE_BYTES];
  if (in_group) {
    snprintf(reason, sizeof(reason), "alone it would be counted, beside those before it not: the group has no room for it (%s)",
             strerror(error));
    hftmon_refusal_say(why, HFTMON_COUNTERS_TAKEN, error, event, reason, "ask for fewer events, or events of one PMU");
  } else {
    snprintf(reason, sizeof(reason), "the kernel does not take type %u, config 0x%llx (%s)", event->type, (unsigned long long)event->config,
             strerror(error));
    hftmon_refusal_say(why, HFTMON_COUNTERS_NO_EVENT, error, event, reason,
                       "compare it with the PMU's format folder below /sys/bus/event_source/devices");
  }
}

void hftmon_refusal_of_open(const struct hftmon_counters_host* host, const hftmon_counter_event* event, int error, bool in_group,
                            hftmon_counters_refusal* why) {
  switch (error) {
    case ENOENT:
    case EOPNOTSUPP:
    case ENODEV:
    case ENXIO:
      missing(host, event, error, why);
      break;
    case EACCES:
    case EPERM:
      forbidden(host, event, error, why);
      break;
    case EINVAL:
      invalid(event, error, in_group, why);
      break;
    case EBUSY:
      hftmon_refusal_say(why, HFTMON_COUNTERS_TAKEN, error, event, "another user holds the counters for itself (EBUSY)",
                         "end it: perf, a vendor's profiler, a daemon that counts");
      break;
    case EMFILE:
      hftmon_refusal_say(why, HFTMON_COUNTERS_NO_DESCRIPTOR, error, event,
                         "the process has no descriptor left (EMFILE), and opening needs "
                         "one for each event",
                         "raise its limit of open files (ulimit -n, LimitNOFILE=)");
      break;
    case ENFILE:
      hftmon_refusal_say(why, HFTMON_COUNTERS_NO_DESCRIPTOR, error, event, "the host has no descriptor left (ENFILE)",
                         "sysctl fs.file-max=NUMBER with a higher one");
      break;
    case ENOMEM:
    case ENOSPC:
      hftmon_refusal_say(why, HFTMON_COUNTERS_NO_MEMORY, error, event, "the kernel has no room for the event", "ask for fewer events");
      break;
    case ENOSYS:
      hftmon_refusal_say(why, HFTMON_COUNTERS_NO_KERNEL, error, event, "this kernel counts no events, or a container hides it (ENOSYS)",
                         "boot a kernel built with CONFIG_PERF_EVENTS=y; in a container let seccomp pass perf_event_open");
      break;
    case E2BIG:
      hftmon_refusal_say(why, HFTMON_COUNTERS_NO_KERNEL, error, event, "the kernel does not know all that the event asks for (E2BIG)",
                         "boot a newer kernel, or choose another event");
      break;
    default:
      hftmon_refusal_say(why, HFTMON_COUNTERS_OTHER, error, event, strerror(error), "see the kernel log");
      break;
  }
}

void hftmon_refusal_of_map(const struct hftmon_counters_host* host, const hftmon_counter_event* event, int error,
                           hftmon_counters_refusal* why) {
  if (error != EPERM && error != ENOMEM && error != EAGAIN) {
    char reason[SENTENCE_BYTES];
    snprintf(reason, sizeof(reason), "its page cannot be mapped (%s)", strerror(error));
    hftmon_refusal_say(why, error == ENODEV ? HFTMON_COUNTERS_TAKEN : HFTMON_COUNTERS_OTHER, error, event, reason,
                       "open the counters again");
    return;
  }
  char reason[SENTENCE_BYTES];
  snprintf(reason, sizeof(reason),
           "its page cannot be mapped: this user's pages of events are used up, kernel.perf_event_mlock_kb is %d (%s)",
           hftmon_host_read_number(host, MLOCK, 0), strerror(error));
  hftmon_refusal_say(
      why, HFTMON_COUNTERS_NO_MEMORY, error, event, reason,
      "sysctl kernel.perf_event_mlock_kb=NUMBER with a higher one, raise the limit of locked memory, or close what others map");
}

void hftmon_refusal_of_kinds(const struct hftmon_core_kinds* kinds, hftmon_counters_refusal* why) {
  char reason[SENTENCE_BYTES];
  char mend[SENTENCE_BYTES];
  snprintf(reason, sizeof(reason), "the thread may run on cores of %u kinds, whose counters are not the same", kinds->count);
  snprintf(mend, sizeof(mend), "pin it to those of one kind before it opens, for instance %.24s (CPUs %.60s), and leave it there",
           kinds->kinds[0].name, kinds->kinds[0].cpus);
  hftmon_refusal_say(why, HFTMON_COUNTERS_SEVERAL_KINDS, 0, NULL, reason, mend);
}

/* Whether the administrator lets programs read: 0 where not, and the sentences for it. */
static bool reading_is_off(const struct hftmon_counters_host* host, const hftmon_counter_event* event, hftmon_counters_refusal* why) {
  if (hftmon_host_read_number(host, USER_ACCESS, 1) == 0) {
    hftmon_refusal_say(why, HFTMON_COUNTERS_NO_USER_ACCESS, 0, event, "kernel.perf_user_access is 0: programs may not read the registers",
                       "sysctl kernel.perf_user_access=1");
    return true;
  }
  static const char* const names[] = {"cpu", "cpu_core", "cpu_atom"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i) {
    char path[96];
    snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/rdpmc", names[i]);
    if (hftmon_host_read_number(host, path, 1) != 0) continue;
    char reason[SENTENCE_BYTES];
    char mend[SENTENCE_BYTES];
    snprintf(reason, sizeof(reason), "%s is 0: programs may not read the registers", path);
    snprintf(mend, sizeof(mend), "echo 1 > %s", path);
    hftmon_refusal_say(why, HFTMON_COUNTERS_NO_USER_ACCESS, 0, event, reason, mend);
    return true;
  }
  return false;
}

void hftmon_refusal_of_page(const struct hftmon_counters_host* host, const hftmon_counter_event* event, hftmon_counter_page_state state,
                            hftmon_counters_refusal* why) {
  if (state == HFTMON_COUNTER_PAGE_COUNTING) return;
  const bool software = event != NULL && (event->type == PERF_TYPE_SOFTWARE || event->type == PERF_TYPE_TRACEPOINT);
  if (state == HFTMON_COUNTER_PAGE_UNSTEADY) {
    hftmon_refusal_say(why, HFTMON_COUNTERS_UNSTEADY, 0, event, "the kernel changed the page at every attempt", "read again");
  } else if (software) {
    hftmon_refusal_say(why, HFTMON_COUNTERS_NOT_A_REGISTER, 0, event, "the kernel counts this event, and no register has it",
                       "choose an event of the processor's; the daemon counts this one");
  } else if (reading_is_off(host, event, why)) {
    return;
  } else if (state == HFTMON_COUNTER_PAGE_UNREADABLE) {
    hftmon_refusal_say(why, HFTMON_COUNTERS_NOT_A_REGISTER, 0, event, "the kernel gives programs no register of this event",
                       "choose an event that the core's own PMU counts; on arm64 boot Linux 5.17 or later");
  } else {
    hftmon_refusal_say(why, HFTMON_COUNTERS_TAKEN, 0, event, "the kernel has no registers for the group at present",
                       "ask for fewer events; end what else counts (perf, a daemon, kernel.nmi_watchdog); open again");
  }
}
