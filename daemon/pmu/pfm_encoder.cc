#include "daemon/pmu/pfm_encoder.h"

#include <fmt/format.h>
#include <perfmon/pfmlib_perf_event.h>
#include <strings.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <mutex>

namespace hftmon {
namespace {

constexpr size_t kNameBytesMax = 1024;
constexpr size_t kNamesMax = 65536;
// Of no processor: the kernel's generic events and the raw numbers.
constexpr std::string_view kOwnPmus[] = {"perf", "perf_raw", "ix86arch"};

std::mutex& LibraryMutex() {
  static std::mutex mutex;
  return mutex;
}

// Under the mutex.
absl::Status Start() {
  static const int started = pfm_initialize();
  if (started == PFM_SUCCESS) return absl::OkStatus();
  return absl::UnavailableError(fmt::format("libpfm4 does not start: {}: name the event as rNNN or pmu/event=…/", pfm_strerror(started)));
}

// The way an event is opened is the opener's to choose; silently dropped, it would be another measurement than was asked for.
std::string_view OpeningAttribute(std::string_view name) {
  constexpr std::string_view kOpening[] = {"period", "freq", "pinned", "excl", "cpu", "mg", "mh", "hw_smpl"};
  for (std::string_view rest = name; !rest.empty();) {
    const size_t colon = rest.find_first_of(":.");
    const std::string_view part = rest.substr(0, colon);
    const std::string_view key = part.substr(0, part.find('='));
    for (const std::string_view opening : kOpening) {
      if (key.size() == opening.size() && strncasecmp(key.data(), opening.data(), key.size()) == 0) return opening;
    }
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
  }
  return {};
}

absl::Status EncodingError(int error, std::string_view name) {
  const std::string what = fmt::format("libpfm4 on '{}': {}", name, pfm_strerror(error));
  switch (error) {
    case PFM_ERR_NOTFOUND:
    case PFM_ERR_UMASK:
    case PFM_ERR_ATTR:
      return absl::NotFoundError(what);
    case PFM_ERR_NOTSUPP:
      return absl::FailedPreconditionError(what + ": this kernel has no PMU for it");
    default:
      return absl::InvalidArgumentError(what);
  }
}

// Whether the event at `index` is of a PMU that lies outside the cores: its number means nothing to theirs.
bool IsOutsideCores(int index) {
  pfm_event_info_t event = {};
  event.size = sizeof(event);
  if (pfm_get_event_info(index, PFM_OS_PERF_EVENT_EXT, &event) != PFM_SUCCESS) return true;
  pfm_pmu_info_t pmu = {};
  pmu.size = sizeof(pmu);
  if (pfm_get_pmu_info(event.pmu, &pmu) != PFM_SUCCESS) return true;
  return pmu.type != PFM_PMU_TYPE_CORE && pmu.type != PFM_PMU_TYPE_OS_GENERIC;
}

// Calls `use` with each PMU that is present here.
template <typename Use>
void ForEachPresentPmu(const Use& use) {
  for (int i = 0; i < PFM_PMU_MAX; ++i) {
    pfm_pmu_info_t pmu = {};
    pmu.size = sizeof(pmu);
    if (pfm_get_pmu_info(static_cast<pfm_pmu_t>(i), &pmu) == PFM_SUCCESS && pmu.is_present) use(pmu);
  }
}

void AddNames(const pfm_pmu_info_t& pmu, std::vector<std::string>* names) {
  for (int index = pmu.first_event; index >= 0 && names->size() < kNamesMax; index = pfm_get_event_next(index)) {
    pfm_event_info_t event = {};
    event.size = sizeof(event);
    if (pfm_get_event_info(index, PFM_OS_PERF_EVENT_EXT, &event) != PFM_SUCCESS) continue;
    names->emplace_back(event.name);
    for (int i = 0; i < event.nattrs && names->size() < kNamesMax; ++i) {
      pfm_event_attr_info_t attribute = {};
      attribute.size = sizeof(attribute);
      if (pfm_get_event_attr_info(index, i, PFM_OS_PERF_EVENT_EXT, &attribute) != PFM_SUCCESS) continue;
      if (attribute.type == PFM_ATTR_UMASK) names->push_back(fmt::format("{}:{}", event.name, attribute.name));
    }
  }
}

}  // namespace

absl::StatusOr<EventEncoding> EncodeByLibrary(std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax || name.find('\0') != std::string_view::npos) {
    return absl::InvalidArgumentError(fmt::format("an event's name is text of 1 to {} bytes", kNameBytesMax));
  }
  if (const std::string_view opening = OpeningAttribute(name); !opening.empty()) {
    return absl::InvalidArgumentError(fmt::format("'{}' tells how to open an event, not which: leave it out", opening));
  }
  const std::lock_guard<std::mutex> lock(LibraryMutex());
  if (const absl::Status started = Start(); !started.ok()) return started;
  perf_event_attr attributes = {};
  char* full_name = nullptr;
  pfm_perf_encode_arg_t argument = {};
  argument.attr = &attributes;
  argument.fstr = &full_name;
  argument.size = sizeof(argument);
  const int error = pfm_get_os_event_encoding(std::string(name).c_str(), PFM_PLM0 | PFM_PLM3, PFM_OS_PERF_EVENT_EXT, &argument);
  const std::unique_ptr<char, decltype(&std::free)> freed(full_name, &std::free);
  if (error != PFM_SUCCESS) return EncodingError(error, name);
  if (attributes.type == PERF_TYPE_RAW && IsOutsideCores(argument.idx)) return EncodingError(PFM_ERR_NOTSUPP, name);
  EventEncoding encoding{.name = std::string(name),
                         .type = attributes.type,
                         .config = attributes.config,
                         .config1 = attributes.config1,
                         .config2 = attributes.config2,
                         .precise_ip = static_cast<uint8_t>(attributes.precise_ip),
                         .exclude_user = attributes.exclude_user != 0,
                         .exclude_kernel = attributes.exclude_kernel != 0};
  // The library leaves the hypervisor out unless it is named; here, as everywhere, what is not named is in unless another is named.
  encoding.exclude_hypervisor = attributes.exclude_hv != 0 && (encoding.exclude_user || encoding.exclude_kernel);
  return encoding;
}

std::vector<std::string> LibraryEventNames() {
  const std::lock_guard<std::mutex> lock(LibraryMutex());
  std::vector<std::string> names;
  if (!Start().ok()) return names;
  ForEachPresentPmu([&names](const pfm_pmu_info_t& pmu) {
    if (pmu.type == PFM_PMU_TYPE_CORE || pmu.type == PFM_PMU_TYPE_OS_GENERIC) AddNames(pmu, &names);
  });
  return names;
}

std::string LibraryProcessorName() {
  const std::lock_guard<std::mutex> lock(LibraryMutex());
  std::string name;
  if (!Start().ok()) return name;
  ForEachPresentPmu([&name](const pfm_pmu_info_t& pmu) {
    const bool own = std::find(std::begin(kOwnPmus), std::end(kOwnPmus), pmu.name) != std::end(kOwnPmus);
    if (name.empty() && pmu.type == PFM_PMU_TYPE_CORE && !own) name = pmu.name;
  });
  return name;
}

}  // namespace hftmon
