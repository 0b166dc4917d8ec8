#include "client/check/check_limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "common/duration.h"

namespace hftmon {
namespace {

constexpr bool kDuration = true;
constexpr bool kNumber = false;

// Defaults are for a hot thread that has its CPU to itself.
constexpr std::array kLimits{
    CheckLimit{CheckModule::kIsolation, "max_runqueue", "p99_999_runqueue_ns", kDuration, 50'000, "wait for a CPU, p99.999"},
    CheckLimit{CheckModule::kIsolation, "max_involuntary", "involuntary_count", kNumber, 0, "switches that took a thread's CPU away"},
    CheckLimit{CheckModule::kIsolation, "max_migrations", "migration_count", kNumber, 0, "moves to another CPU"},
    CheckLimit{CheckModule::kIsolation, "max_visitors", "visitor_count", kNumber, 1, "processes that ran on the CPUs of --cpus"},
    CheckLimit{CheckModule::kIrq, "max_interruption", "longest_interruption_ns", kDuration, 50'000,
               "longest time that interrupts left a thread no moment"},
    CheckLimit{CheckModule::kIrq, "max_interrupted", "interrupted_ppm", kNumber, 10'000, "time that interrupts took, in millionths"},
    CheckLimit{CheckModule::kIrq, "max_handler", "p99_999_handler_ns", kDuration, 50'000,
               "a device's interrupt handler on the checked CPUs, p99.999"},
    CheckLimit{CheckModule::kIrq, "max_affinity_violations", "affinity_violation_count", kNumber, 0,
               "device interrupts that are sent to the checked CPUs"},
    CheckLimit{CheckModule::kIrq, "max_softirq_overlaps", "softirq_overlap_count", kNumber, 100,
               "softirqs on the checked CPUs that began beside another CPU's of the same kind"},
    CheckLimit{CheckModule::kMemory, "max_fault", "p99_999_fault_ns", kDuration, 20'000, "a page fault, p99.999"},
    CheckLimit{CheckModule::kMemory, "max_major_faults", "major_fault_count", kNumber, 0, "page faults that had to read, or were repeated"},
    CheckLimit{CheckModule::kMemory, "max_minor_faults", "minor_fault_count", kNumber, 100, "other page faults"},
    CheckLimit{CheckModule::kMemory, "max_shootdowns", "shootdown_count", kNumber, 10, "TLB flushes that others sent"},
    CheckLimit{CheckModule::kMemory, "max_remote_accesses", "remote_access_ppm", kNumber, 10'000,
               "accesses to another node's memory, in millionths of all"},
    CheckLimit{CheckModule::kSyscall, "max_futex_waits", "futex_wait_count", kNumber, 0, "times that a thread blocked in futex"},
    CheckLimit{CheckModule::kSyscall, "max_blocking_io", "blocking_io_count", kNumber, 0, "times that it blocked on a file or socket"},
    CheckLimit{CheckModule::kSyscall, "max_sleeps", "sleep_count", kNumber, 0, "times that it slept or polled until a time"},
    CheckLimit{CheckModule::kSyscall, "max_blocked", "p99_999_blocked_ns", kDuration, 1'000'000, "one blocked interval, p99.999"},
    CheckLimit{CheckModule::kNetwork, "max_net_rx", "p99_999_net_rx_ns", kDuration, 200'000, "one run of the softirq NET_RX, p99.999"},
    CheckLimit{CheckModule::kNetwork, "max_delivery", "longest_delivery_ns", kDuration, 100'000,
               "longest way of a packet from its arrival to its reader"},
    CheckLimit{CheckModule::kNetwork, "max_drops", "drop_count", kNumber, 0, "packets that the kernel dropped though somebody wanted them"},
    CheckLimit{CheckModule::kNetwork, "max_device_drops", "device_drop_count", kNumber, 0, "packets that interfaces dropped or missed"},
    CheckLimit{CheckModule::kNetwork, "max_retransmits", "retransmit_count", kNumber, 0, "TCP segments that were sent again"},
    CheckLimit{CheckModule::kNetwork, "max_squeezes", "squeeze_count", kNumber, 0, "times that NET_RX stopped with packets left"},
};

absl::Status SetFromValue(const CheckLimit& limit, const nlohmann::json& value, CheckLimits* limits) {
  if (value.is_string()) return limits->Set(limit, value.get<std::string>());
  if (value.is_number_integer() && !limit.is_duration) return limits->Set(limit, value.dump());
  return absl::InvalidArgumentError(
      fmt::format("{}: {}: write {}", limit.name, value.dump(), limit.is_duration ? "a duration, as \"50us\"" : "a whole number, as 3"));
}

}  // namespace

std::span<const CheckLimit> AllCheckLimits() {
  return kLimits;
}

std::string FlagOf(const CheckLimit& limit) {
  std::string flag = std::string("--") + limit.name;
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

CheckLimits::CheckLimits() {
  for (const CheckLimit& limit : kLimits) values_[limit.name] = limit.default_value;
}

absl::Status CheckLimits::Set(const CheckLimit& limit, const std::string& text) {
  if (limit.is_duration) {
    const auto duration_ns = ParseDuration(text);
    if (!duration_ns.ok())
      return absl::InvalidArgumentError(fmt::format("{}: {}", limit.name, std::string(duration_ns.status().message())));
    values_[limit.name] = *duration_ns;
    return absl::OkStatus();
  }
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) {
    return absl::InvalidArgumentError(fmt::format("{}: '{}': write a whole number from 0 on", limit.name, text));
  }
  values_[limit.name] = number;
  return absl::OkStatus();
}

absl::Status CheckLimits::SetFromJson(const std::string& text) {
  const nlohmann::json object = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) {
    return absl::InvalidArgumentError("not one JSON object: write {\"max_runqueue\": \"20us\", \"max_involuntary\": 3}");
  }
  CheckLimits changed = *this;
  for (const auto& [name, value] : object.items()) {
    const auto limit = std::find_if(kLimits.begin(), kLimits.end(), [&key = name](const CheckLimit& each) { return key == each.name; });
    if (limit == kLimits.end()) {
      return absl::InvalidArgumentError(fmt::format("'{}': no such limit: `hftmon check --help` lists them, with _ for - here", name));
    }
    if (absl::Status status = SetFromValue(*limit, value, &changed); !status.ok()) return status;
  }
  *this = std::move(changed);
  return absl::OkStatus();
}

}  // namespace hftmon
