#include "daemon/pmu/event_names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/perf_event.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include "common/near_names.h"
#include "daemon/os/event_terms.h"
#include "daemon/pmu/arm_event_numbers.h"
#include "daemon/pmu/event_modifiers.h"
#include "daemon/pmu/hardware_metric.h"
#include "daemon/pmu/sysfs_events.h"

namespace hftmon {
namespace {

using Encodings = std::vector<EventEncoding>;

constexpr size_t kNearNames = 5;
constexpr size_t kNumberDigitsMax = 16;
// The kernel's generic types tell the PMU of a hybrid processor in the upper half of config.
constexpr int kPmuTypeShift = 32;
// The mend of a name that is like none.
constexpr char kWhichNames[] =
    "name an event of the kernel (page-faults), a number (r01cd: unit mask 01, event cd), words of a PMU (cpu/event=0xcd/) or a name of "
    "libpfm4 (its showevtinfo lists them); tracepoints are not counted";

// What an error repeats of a name that comes from outside.
std::string_view Quoted(std::string_view name) {
  return name.substr(0, 128);
}

absl::Status WithName(std::string_view name, const absl::Status& status) {
  return absl::Status(status.code(), fmt::format("event '{}': {}", Quoted(name), std::string(status.message())));
}

// The digits of "r01cd"; absent when it is none.
std::optional<std::string_view> NumberDigits(std::string_view base) {
  if (base.size() < 2 || base.size() > 1 + kNumberDigitsMax || base.front() != 'r') return std::nullopt;
  const std::string_view digits = base.substr(1);
  if (digits.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) return std::nullopt;
  return digits;
}

std::string UpperCase(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return upper;
}

// The library has in upper case what the kernel's lists have in lower.
bool IsListed(std::span<const std::string_view> names, std::string_view name) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view listed) { return UpperCase(listed) == UpperCase(name); });
}

// Bits that no field of the PMU has: kernels drop them and count something else.
uint64_t UnknownBits(const Pmu& pmu, uint64_t config) {
  if (pmu.fields.empty()) return 0;
  uint64_t known = 0;
  for (const auto& [name, field] : pmu.fields) {
    if (field.word == 0) known |= field.mask();
  }
  return config & ~known;
}

absl::Status CheckNumber(const Pmu& pmu, EventEncoding* encoding) {
  if (const uint64_t unknown = pmu.core ? UnknownBits(pmu, encoding->config) : 0; unknown != 0) {
    return absl::InvalidArgumentError(fmt::format("bits {:#x} of {:#x} are of no field of PMU {}", unknown, encoding->config, pmu.name));
  }
  return CheckArmEventNumber(pmu, encoding);
}

absl::StatusOr<Encodings> Named(std::string_view name, Encodings encodings) {
  for (EventEncoding& encoding : encodings) encoding.name = name;
  return encodings;
}

}  // namespace

EventNames::EventNames(EventNamesParts parts) : parts_(std::move(parts)), cores_(parts_.pmus.Cores()) {}

absl::StatusOr<Encodings> EventNames::EncodeAll(std::string_view name) const {
  if (name.empty() || name.size() > kEventTextBytesMax || name.find('\0') != std::string_view::npos) {
    return absl::InvalidArgumentError(fmt::format("an event's name is text of 1 to {} bytes", kEventTextBytesMax));
  }
  if (name.find('/') != std::string_view::npos) return ByPmu(name);
  const size_t colon = name.find(':');
  const std::string_view base = name.substr(0, colon);
  const std::string_view modifiers = colon == std::string_view::npos ? std::string_view() : name.substr(colon + 1);
  if (const auto digits = NumberDigits(base)) return ByNumber(name, *digits, modifiers);
  if (const auto generic = FindGenericEvent(base)) return Generic(name, *generic, modifiers);
  return ByLibrary(name);
}

absl::StatusOr<EventEncoding> EventNames::Encode(std::string_view name) const {
  auto encodings = EncodeAll(name);
  if (!encodings.ok()) return encodings.status();
  if (encodings->size() == 1) return std::move(encodings->front());
  std::vector<std::string_view> pmus;
  for (const EventEncoding& encoding : *encodings) pmus.push_back(encoding.pmu);
  return absl::InvalidArgumentError(
      fmt::format("event '{}' is counted by each kind of core on its own: name one of them, as PMU/event/, of {}", Quoted(name),
                  fmt::join(pmus, ", ")));
}

absl::Status EventNames::Validate(const EventEncoding& encoding) const {
  const absl::Status opened = parts_.open(encoding);
  return opened.ok() ? opened : WithName(encoding.name, opened);
}

absl::StatusOr<Encodings> EventNames::ByNumber(std::string_view name, std::string_view digits, std::string_view modifiers) const {
  if (cores_.empty()) return NoCores(name);
  uint64_t config = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), config, 16);
  Encodings encodings;
  for (const Pmu* core : cores_) {
    EventEncoding encoding = EmptyEncoding(*core);
    encoding.config = config;
    encoding.number_unchecked = true;
    absl::Status status = CheckNumber(*core, &encoding);
    if (status.ok()) status = ApplyEventModifiers(modifiers, core->precise_max, &encoding);
    if (!status.ok()) return WithName(name, status);
    encodings.push_back(std::move(encoding));
  }
  return Named(name, std::move(encodings));
}

absl::StatusOr<Encodings> EventNames::ByPmu(std::string_view name) const {
  const size_t begin = name.find('/');
  const size_t end = name.rfind('/');
  const std::string_view pmu_name = name.substr(0, begin);
  const Pmu* pmu = parts_.pmus.Find(pmu_name);
  if (pmu == nullptr) {
    std::vector<std::string_view> known;
    for (const Pmu& each : parts_.pmus.pmus) known.push_back(each.name);
    const auto near = NearNames(pmu_name, known, kNearNames);
    return absl::NotFoundError(fmt::format("event '{}': this host has no PMU '{}': {} {}", Quoted(name), Quoted(pmu_name),
                                           near.empty() ? "it has" : "near are", fmt::join(near.empty() ? known : near, ", ")));
  }
  if (end == begin) return absl::InvalidArgumentError(fmt::format("event '{}': a PMU's words end with a '/'", Quoted(name)));
  const std::string_view terms = name.substr(begin + 1, end - begin - 1);
  std::string_view modifiers = name.substr(end + 1);
  if (modifiers.starts_with(':')) modifiers.remove_prefix(1);
  const auto generic = FindGenericEvent(terms);
  const bool its_generic =
      generic && !pmu->events.contains(std::string(terms)) && (IsOfProcessor(generic->type) ? pmu->core : pmu->type == PERF_TYPE_SOFTWARE);
  absl::StatusOr<EventEncoding> encoding;
  if (its_generic) {
    encoding = OnCore(*pmu, *generic);
  } else if (terms.empty() && !pmu->core) {
    encoding = EmptyEncoding(*pmu);  // a whole unit, such as one that samples
  } else {
    encoding = EncodePmuTerms(*pmu, terms);
    if (encoding.ok()) {
      if (const absl::Status checked = CheckNumber(*pmu, &*encoding); !checked.ok()) return WithName(name, checked);
    }
  }
  if (!encoding.ok()) return WithName(name, encoding.status());
  if (const absl::Status applied = ApplyEventModifiers(modifiers, pmu->precise_max, &*encoding); !applied.ok())
    return WithName(name, applied);
  return Named(name, {*std::move(encoding)});
}

absl::StatusOr<Encodings> EventNames::Generic(std::string_view name, const GenericEvent& event, std::string_view modifiers) const {
  Encodings encodings;
  if (!IsOfProcessor(event.type)) {
    encodings.push_back({.pmu = "software", .type = event.type, .config = event.config});
    if (const absl::Status applied = ApplyEventModifiers(modifiers, std::nullopt, &encodings.front()); !applied.ok())
      return WithName(name, applied);
    return Named(name, std::move(encodings));
  }
  if (cores_.empty()) return NoCores(name);
  for (const Pmu* core : cores_) {
    EventEncoding encoding = OnCore(*core, event);
    if (const absl::Status applied = ApplyEventModifiers(modifiers, core->precise_max, &encoding); !applied.ok())
      return WithName(name, applied);
    encodings.push_back(std::move(encoding));
  }
  return Named(name, std::move(encodings));
}

absl::StatusOr<Encodings> EventNames::ByLibrary(std::string_view name) const {
  absl::StatusOr<EventEncoding> encoding = parts_.encode_by_library(name);
  if (absl::IsNotFound(encoding.status())) return NotFound(name, std::string(encoding.status().message()));
  if (!encoding.ok()) return WithName(name, encoding.status());
  const bool generic = encoding->type == PERF_TYPE_HARDWARE || encoding->type == PERF_TYPE_HW_CACHE;
  if (!generic && encoding->type != PERF_TYPE_RAW) {
    if (const Pmu* pmu = parts_.pmus.OfType(encoding->type)) {
      encoding->pmu = pmu->name;
      encoding->per_thread = pmu->per_thread;
      encoding->cpus = pmu->cpus;
    }
    return Named(name, {*std::move(encoding)});
  }
  if (cores_.empty()) return NoCores(name);
  Encodings encodings;
  for (const Pmu* core : cores_) {
    // The library's numbers are those of the PMU that has type 4, the first kind of core; on Arm none has it.
    if (!generic && cores_.size() > 1 && core->type != PERF_TYPE_RAW) continue;
    EventEncoding on_core = generic ? OnCore(*core, {.type = encoding->type, .config = encoding->config}) : EmptyEncoding(*core);
    if (!generic) on_core.config = encoding->config;
    on_core.config1 = encoding->config1;
    on_core.config2 = encoding->config2;
    on_core.precise_ip = encoding->precise_ip;
    on_core.exclude_user = encoding->exclude_user;
    on_core.exclude_kernel = encoding->exclude_kernel;
    on_core.exclude_hypervisor = encoding->exclude_hypervisor;
    if (!generic) {
      if (const absl::Status checked = CheckNumber(*core, &on_core); !checked.ok()) return WithName(name, checked);
    }
    encodings.push_back(std::move(on_core));
  }
  if (encodings.empty()) {
    return absl::FailedPreconditionError(
        fmt::format("event '{}': libpfm4 does not say for which kind of core: give it as PMU/event=…/", Quoted(name)));
  }
  return Named(name, std::move(encodings));
}

EventEncoding EventNames::OnCore(const Pmu& core, const GenericEvent& event) const {
  EventEncoding encoding = EmptyEncoding(core);
  encoding.type = event.type;
  encoding.config = event.config;
  // Without it the kernel counts on the first kind of core alone, and on the others nothing.
  if (core.core && cores_.size() > 1) encoding.config |= uint64_t{core.type} << kPmuTypeShift;
  return encoding;
}

absl::Status EventNames::NoCores(std::string_view name) const {
  const std::string why =
      parts_.pmus.reason.empty() ? "the kernel lists no PMU of the processor's cores in /sys/bus/event_source/devices" : parts_.pmus.reason;
  return absl::FailedPreconditionError(fmt::format(
      "event '{}' cannot be counted: {}: run on the bare machine, or let the hypervisor pass the PMU through", Quoted(name), why));
}

absl::Status EventNames::NotFound(std::string_view name, std::string_view why) const {
  const std::vector<std::string> library = parts_.library_names();
  std::vector<std::string_view> known(GenericEventNames().begin(), GenericEventNames().end());
  // Whoever names an event may name a metric in its place.
  for (size_t metric = 0; metric < kHardwareMetricCount; ++metric) {
    const std::string_view word = HardwareMetricName(static_cast<HardwareMetric>(metric));
    if (!IsListed(known, word)) known.push_back(word);  // cycles, instructions and branches are both
  }
  std::vector<std::string_view> upper_case(library.begin(), library.end());
  std::vector<std::string> of_pmus;
  for (const Pmu* core : cores_) {
    for (const auto& [event, text] : core->events) of_pmus.push_back(fmt::format("{}/{}/", core->name, event));
  }
  known.insert(known.end(), of_pmus.begin(), of_pmus.end());
  const std::string upper = UpperCase(name);
  std::vector<std::string_view> near = NearNames(name, known, kNearNames);
  // The library reads its names in either case.
  for (const std::string_view more : NearNames(upper, upper_case, kNearNames)) {
    if (near.size() < kNearNames && !IsListed(near, more)) near.push_back(more);
  }
  if (near.empty()) near = NearNames(name.substr(0, name.find(':')), known, kNearNames);
  return absl::NotFoundError(
      fmt::format("event '{}' does not exist on this CPU ({}): {}", Quoted(name), parts_.processor,
                  near.empty() ? fmt::format("{}: {}", why, kWhichNames) : fmt::format("near are {}", fmt::join(near, ", "))));
}

}  // namespace hftmon
