#include "daemon/service/evidence/facts_of_boot.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/cpu_list.h"
#include "daemon/advice/template_text.h"
#include "daemon/os/boot_arguments.h"
#include "daemon/os/cpu_topology.h"
#include "daemon/os/node_cpus.h"

namespace hftmon {
namespace {

using enum FactField;

constexpr char kNohzFullPath[] = "/sys/devices/system/cpu/nohz_full";

// One more than the largest CPU that this host may have.
int CpuCount(const FileRoot& files, const EvidenceContext& context) {
  const auto possible = ReadKernelList(files, "/sys/devices/system/cpu/possible");
  const CpuList& known = possible.ok() && !possible->empty() ? *possible : context.online_cpus;
  return known.empty() ? 0 : known.back() + 1;
}

void AddList(std::string_view setting, std::string_view where, const CpuList& cpus, const std::string& note, SettingFacts* facts) {
  const std::string list = cpus.empty() ? "no CPU" : absl::StrCat("CPU ", FormatCpuList(cpus));
  Fact* fact = facts->Add(FactKind::kHostSetting, setting, absl::StrCat(std::string(where), " names ", list, note));
  SetCpus(fact, kValueCpus, cpus);
  SetCpus(fact, kMissingCpus, facts->ReservedWithout(cpus));
}

// The list of the last argument of that name, or nothing and why.
CpuList ListOf(const BootArguments& arguments, std::string_view name, int cpu_count, std::string* note) {
  const BootArgument* argument = arguments.Last(name);
  if (argument == nullptr || !argument->value) return {};
  absl::StatusOr<CpuList> cpus = ParseBootCpuList(*argument->value, cpu_count);
  if (cpus.ok()) return *std::move(cpus);
  *note = absl::StrCat(" (", CleanText(std::string(cpus.status().message())), ")");
  return {};
}

CpuList Union(const CpuList& a, const CpuList& b) {
  CpuList both;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both;
}

// Of a reserved CPU the kernel is also told by what it cannot do at all.
CpuList AddNohzFull(const FileRoot& files, SettingFacts* facts) {
  const absl::StatusOr<CpuList> cpus = ReadNohzFullCpus(files);
  if (!cpus.ok()) {
    if (facts->has_role()) facts->AddMissing(FactKind::kHostSetting, "nohz_full", std::string(cpus.status().message()), "");
    return {};
  }
  if (!files.Exists(kNohzFullPath)) {
    if (facts->has_role()) {
      facts->AddMissing(FactKind::kHostSetting, "nohz_full",
                        absl::StrCat("this kernel is built without CONFIG_NO_HZ_FULL: CPU ", FormatCpuList(facts->reserved()),
                                     " ticks whatever its command line says"),
                        "boot a kernel with CONFIG_NO_HZ_FULL");
    }
    return {};
  }
  AddList("nohz_full", kNohzFullPath, *cpus, "", facts);
  return *cpus;
}

}  // namespace

void AddBootFacts(const FileRoot& files, SettingFacts* facts) {
  const CpuList nohz_full = AddNohzFull(files, facts);
  const absl::StatusOr<BootArguments> arguments = ReadBootArguments(files);
  if (!arguments.ok()) {
    if (!facts->has_role()) return;
    for (const char* setting : {"rcu_nocbs", "managed_irq"}) {
      facts->AddMissing(FactKind::kHostSetting, setting, std::string(arguments.status().message()), "");
    }
    return;
  }
  const int cpu_count = CpuCount(files, facts->context());
  std::string note;
  const CpuList nocbs = ListOf(*arguments, "rcu_nocbs", cpu_count, &note);
  AddList("rcu_nocbs", "rcu_nocbs= of /proc/cmdline, with nohz_full,", Union(nocbs, nohz_full), note, facts);
  CpuList unmanaged;
  note.clear();
  if (const BootArgument* argument = arguments->Last("isolcpus"); argument != nullptr && argument->value) {
    absl::StatusOr<IsolatedCpusArgument> isolated = ParseIsolatedCpus(*argument->value, cpu_count);
    if (!isolated.ok()) note = absl::StrCat(" (", CleanText(std::string(isolated.status().message())), ")");
    if (isolated.ok() && isolated->managed_irq) unmanaged = std::move(isolated->cpus);
  }
  AddList("managed_irq", "isolcpus=managed_irq of /proc/cmdline", unmanaged, note, facts);
}

}  // namespace hftmon
