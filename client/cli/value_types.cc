#include "client/cli/value_types.h"

#include <string_view>

namespace hftmon {
namespace {

struct ValueType {
  std::string_view verb;    // "" for every verb that has no row of its own
  std::string_view option;  // its long name; of one that only stands by its place that
  const char* type;
};

constexpr char kTime[] = "TIME";
constexpr char kPid[] = "PID";
constexpr char kNumber[] = "N";
constexpr char kList[] = "LIST";
constexpr char kLineOrder[] = "cycles|remote|total";

constexpr ValueType kTypes[] = {
    {"", "pid", kPid},
    {"", "tid", "TID"},
    {"", "cpus", "CPUS"},
    {"", "FILE", "FILE"},
    {"", "window", kTime},
    {"", "threshold", kTime},
    {"", "operations", kTime},
    {"", "blocked", kTime},
    {"", "interval", kTime},
    {"", "for", kTime},
    {"", "duration", kTime},
    {"sharing", "period", kNumber},
    {"", "period", kTime},
    {"", "min-duration", kTime},
    {"", "before", kTime},
    {"", "after", kTime},
    {"", "bandwidth", kTime},
    {"", "growth", kTime},
    {"", "counter-interval", kTime},
    {"", "counters", "EVENTS"},
    {"", "percentiles", kList},
    {"", "metrics", kList},
    {"", "rule", kList},
    {"", "limit", kNumber},
    {"", "count", kNumber},
    {"", "lines", kNumber},
    {"", "width", kNumber},
    {"", "height", kNumber},
    {"", "pieces", kNumber},
    {"", "pages", kNumber},
    {"", "rate", "HZ"},
    {"", "latency", "CYCLES"},
    {"", "end", "NS"},
    {"", "interface", "INTERFACE"},
    {"", "name", "NAME"},
    {"", "cgroup", "PATH"},
    {"", "unit", "UNIT"},
    {"targets", "pause", kPid},
    {"targets", "resume", kPid},
    {"targets", "set", kPid},
    {"targets", "cache", "yes|no"},
    {"", "probes", "sched|locks|kernel_locks|memory|hardware|network|irq|returns[,...]"},
    {"", "stacks", "none|kernel|user|both"},
    {"", "scheduling", "other|fifo"},
    {"", "mode", "auto|latency|balanced|economy"},
    {"spikes", "time", "local|utc|tai|mono"},
    {"import", "order", kLineOrder},
    {"sharing", "order", kLineOrder},
    {"cache", "by", "cycles|cpu-clock"},
    {"correlate", "clock", "monotonic|realtime|tai|tsc"},
    {"check", "format", "text|json|junit"},
    {"check", "module", "isolation|irq|memory|syscall|network[,...]"},
    {"export", "format", "perfetto|alpha|folded|html|csv"},
    {"", "from", "FILE"},
    {"", "output", "FILE"},
    {"", "thresholds", "FILE"},
    {"", "baseline", "FILE"},
    {"", "context", kTime},
    {"", "around", "ID"},
    {"", "notional", "AMOUNT"},
    {"", "bps-per-us", kNumber},
    {"", "kinds", kList},
    {"", "table", "TABLE"},
    {"", "worst", kNumber},
    {"", "timelines", kNumber},
    {"numa", "heat-map", "none|node|page|cache_line"},
};

const char* TypeOf(std::string_view verb, std::string_view option) {
  for (const ValueType& type : kTypes) {
    if (type.option == option && (type.verb.empty() || type.verb == verb)) return type.type;
  }
  return nullptr;
}

// CLI11's own, of a text and of numbers.
bool IsUnnamed(const std::string& type) {
  for (const char* own : {"TEXT", "INT", "UINT", "FLOAT"}) {
    if (type == own || type.starts_with(std::string(own) + ":INT in") || type.starts_with(std::string(own) + ":UINT in")) return true;
  }
  return false;
}

}  // namespace

void NameValueTypes(CLI::App& verb) {
  for (CLI::Option* option : verb.get_options()) {
    if (option->get_expected_min() == 0 || !IsUnnamed(option->get_type_name())) continue;
    const std::string name = option->get_lnames().empty() ? option->get_name(true) : option->get_lnames().front();
    if (const char* type = TypeOf(verb.get_name(), name); type != nullptr) option->type_name(type);
  }
}

}  // namespace hftmon
