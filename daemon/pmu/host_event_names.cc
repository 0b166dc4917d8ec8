#include "daemon/pmu/host_event_names.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "daemon/os/cpu_topology.h"
#include "daemon/pmu/pfm_encoder.h"
#include "daemon/pmu/processor_model.h"

namespace hftmon {
namespace {

// The first CPU that is online is as good as any: the name is for messages.
std::string NameOfProcessor(const FileRoot& root) {
  if (std::string name = LibraryProcessorName(); !name.empty()) return name;
  const auto online = ReadOnlineCpus(root);
  const auto model = ReadProcessorModel(root, online.ok() && !online->empty() ? online->front() : 0);
  return model.ok() ? ProcessorName(*model) : "of an unknown model";
}

}  // namespace

std::unique_ptr<EventNames> ReadHostEventNames(const FileRoot& root, std::function<absl::Status(const EventEncoding&)> open) {
  return std::make_unique<EventNames>(EventNamesParts{.pmus = PmuList::Read(root),
                                                      .processor = NameOfProcessor(root),
                                                      .encode_by_library = EncodeByLibrary,
                                                      .library_names = LibraryEventNames,
                                                      .open = std::move(open)});
}

absl::StatusOr<CoreKind> ReadCoreKind(const FileRoot& root, const Pmu& core) {
  std::vector<int> cpus = core.cpus;
  if (cpus.empty()) {
    const auto online = ReadOnlineCpus(root);
    if (!online.ok()) return online.status();
    cpus = *online;
  }
  absl::Status last = absl::NotFoundError(fmt::format("PMU {} names no CPU, and none is listed online", core.name));
  for (const int cpu : cpus) {
    const auto model = ReadProcessorModel(root, cpu);
    if (model.ok()) return CoreKindOf(*model, core.name);
    last = model.status();
    // What is offline tells nothing; any other failure is the same for all of them.
    if (!absl::IsNotFound(last)) break;
  }
  return last;
}

}  // namespace hftmon
