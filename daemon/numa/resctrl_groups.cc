#include "daemon/numa/resctrl_groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "daemon/os/proc_numbers.h"

namespace hftmon {
namespace {

constexpr char kMount[] = "/sys/fs/resctrl";
constexpr std::string_view kDomainPrefix = "mon_L3_";
constexpr char kNotThere[] = "not there";
constexpr size_t kValueBytesMax = 4'096;
constexpr size_t kTasksBytesMax = 1u << 20;
constexpr size_t kWordBytesMax = 64;

ResctrlValue ReadValue(const FileRoot& root, const std::string& path) {
  const auto text = root.ReadFile(path, kValueBytesMax);
  if (text.ok()) return ParseResctrlValue(*text);
  return {.value = std::nullopt, .word = absl::IsNotFound(text.status()) ? kNotThere : std::string(text.status().message())};
}

class Reader {
 public:
  Reader(const FileRoot& root, const MonotonicClock& clock, const std::function<bool(int)>& may_read)
      : root_(root), clock_(clock), may_read_(may_read) {}

  // A control group and the monitoring groups in it.
  void AddControl(const std::string& name) {
    Add(name, true);
    const auto inside = root_.List(Folder(name) + "/mon_groups");
    if (!inside.ok()) return;
    for (const std::string& group : *inside) Add(name.empty() ? "mon_groups/" + group : name + "/mon_groups/" + group, false);
  }
  bool IsGroup(const std::string& name) const { return root_.Exists(Folder(name) + "/tasks"); }

  ResctrlReading Take() { return std::move(reading_); }

 private:
  static std::string Folder(const std::string& name) { return name.empty() ? kMount : fmt::format("{}/{}", kMount, name); }

  void Add(const std::string& name, bool control) {
    if (reading_.groups.size() == kResctrlGroupsMax) {
      ++reading_.left_out_count;
      return;
    }
    ResctrlGroup group{.name = name, .control = control};
    AddDomains(Folder(name) + "/mon_data", &group);
    if (!name.empty()) AddTasks(Folder(name) + "/tasks", &group);
    reading_.groups.push_back(std::move(group));
  }
  void AddDomains(const std::string& folder, ResctrlGroup* group) {
    const auto names = root_.List(folder);
    if (!names.ok()) return;
    for (const std::string& name : *names) {
      if (!name.starts_with(kDomainPrefix)) continue;
      const std::optional<int> domain = ParseNumber<int>(std::string_view(name).substr(kDomainPrefix.size()));
      if (!domain || *domain < 0 || !may_read_(*domain)) continue;
      if (group->domains.size() == kResctrlDomainsMax) {
        ++reading_.left_out_count;
        continue;
      }
      const std::string files = folder + "/" + name;
      group->domains[*domain] = {.read_ns = clock_.NowNs(),
                                 .total_bytes = ReadValue(root_, files + "/mbm_total_bytes"),
                                 .local_bytes = ReadValue(root_, files + "/mbm_local_bytes"),
                                 .llc_bytes = ReadValue(root_, files + "/llc_occupancy")};
    }
  }
  void AddTasks(const std::string& path, ResctrlGroup* group) const {
    const auto text = root_.ReadFile(path, kTasksBytesMax);
    if (!text.ok()) return;
    std::string_view rest = *text;
    for (std::string_view word = NextWord(&rest); !word.empty(); word = NextWord(&rest)) {
      if (const std::optional<pid_t> tid = ParseNumber<pid_t>(word); tid && *tid > 0) group->tids.push_back(*tid);
    }
  }

  const FileRoot& root_;
  const MonotonicClock& clock_;
  const std::function<bool(int)>& may_read_;
  ResctrlReading reading_;
};

std::optional<int> NodeOfDomain(int domain, const std::vector<LastLevelCache>& caches, const NumaNodes& nodes) {
  std::set<int> found;
  for (const LastLevelCache& cache : caches) {
    if (cache.id != domain) continue;
    for (const int cpu : cache.cpus) found.insert(nodes.NodeOf(cpu));
  }
  return found.size() == 1 && *found.begin() >= 0 ? std::optional<int>(*found.begin()) : std::nullopt;
}

// Absent, with the reason where there is none yet: no number, or one that fell.
std::optional<double> RateOf(const char* name, const ResctrlValue& before, const ResctrlValue& after, int64_t window_ns,
                             std::string* reason) {
  const auto absent = [&](const std::string& why) {
    if (reason->empty()) *reason = fmt::format("{}: {}", name, why);
    return std::nullopt;
  };
  for (const ResctrlValue& value : {after, before}) {
    if (!value.value) return absent(value.word);
  }
  if (window_ns <= 0) return absent("no time passed");
  if (*after.value < *before.value) return absent("its count fell: the group was made anew, or got another monitor");
  return static_cast<double>(*after.value - *before.value) * 1e3 / static_cast<double>(window_ns);
}

}  // namespace

ResctrlValue ParseResctrlValue(std::string_view text) {
  const std::string_view word = Trim(text);
  if (const std::optional<uint64_t> value = ParseNumber<uint64_t>(word)) return {.value = value, .word = {}};
  return {.value = std::nullopt, .word = word.empty() ? "empty" : std::string(word.substr(0, kWordBytesMax))};
}

absl::StatusOr<ResctrlReading> ReadResctrl(const FileRoot& root, const MonotonicClock& clock,
                                           const std::function<bool(int domain)>& may_read) {
  if (!root.Exists(kMount)) {
    return absl::UnavailableError(
        "this kernel has no resource control (no /sys/fs/resctrl): it takes CONFIG_X86_CPU_RESCTRL and a processor with it, which guests "
        "are "
        "not given");
  }
  if (!root.Exists(std::string(kMount) + "/info")) {
    return absl::UnavailableError("resource control is not mounted: mount -t resctrl resctrl /sys/fs/resctrl");
  }
  if (!root.Exists(std::string(kMount) + "/info/L3_MON")) {
    return absl::UnavailableError("this processor's resource control monitors no memory (no /sys/fs/resctrl/info/L3_MON)");
  }
  const auto names = root.List(kMount);
  if (!names.ok()) return absl::UnavailableError(std::string(names.status().message()));
  Reader reader(root, clock, may_read);
  reader.AddControl("");
  for (const std::string& name : *names) {
    if (name != "info" && name != "mon_groups" && name != "mon_data" && reader.IsGroup(name)) reader.AddControl(name);
  }
  return reader.Take();
}

std::vector<GroupBandwidthRow> BandwidthsBetween(const ResctrlReading& before, const ResctrlReading& after,
                                                 const std::vector<LastLevelCache>& caches, const NumaNodes& nodes) {
  std::vector<GroupBandwidthRow> rows;
  for (const ResctrlGroup& group : after.groups) {
    const auto earlier =
        std::find_if(before.groups.begin(), before.groups.end(), [&group](const ResctrlGroup& one) { return one.name == group.name; });
    if (earlier == before.groups.end()) continue;
    for (const auto& [number, domain] : group.domains) {
      const auto begin = earlier->domains.find(number);
      if (begin == earlier->domains.end()) continue;
      GroupBandwidthRow row{.name = group.name, .control = group.control, .domain = number, .node = NodeOfDomain(number, caches, nodes)};
      row.window_ns = domain.read_ns - begin->second.read_ns;
      row.total_mb_s = RateOf("mbm_total_bytes", begin->second.total_bytes, domain.total_bytes, row.window_ns, &row.reason);
      row.local_mb_s = RateOf("mbm_local_bytes", begin->second.local_bytes, domain.local_bytes, row.window_ns, &row.reason);
      if (domain.llc_bytes.value) {
        row.llc_bytes = static_cast<int64_t>(*domain.llc_bytes.value);
      } else if (row.reason.empty()) {
        row.reason = fmt::format("llc_occupancy: {}", domain.llc_bytes.word);
      }
      row.tids = group.tids;
      rows.push_back(std::move(row));
    }
  }
  std::stable_sort(rows.begin(), rows.end(), [](const GroupBandwidthRow& a, const GroupBandwidthRow& b) { return a.name < b.name; });
  return rows;
}

}  // namespace hftmon
