// The part of the switch collector that is about returns from sleeps until a time.
#include <sys/utsname.h>

#include <string_view>

#include "daemon/collectors/return_rings.h"
#include "daemon/collectors/switch_collector.h"

namespace hftmon {
namespace {

constexpr TracepointGroup::Program kReturnPrograms[] = {{"on_return", &hft_cpu::return_count}};

bool IsX86() {
  utsname names{};
  return uname(&names) == 0 && std::string_view(names.machine) == "x86_64";
}

}  // namespace

void SwitchCollector::MakeReturnPrograms() {
  TracepointGroup::Parts parts;
  parts.admit = [this](const std::string& what) { return gate_ == nullptr ? absl::OkStatus() : gate_->Admit(what); };
  parts.attach = [this](const std::string& program) { return object_->Link(program); };
  return_programs_ = std::make_unique<TracepointGroup>("returns", kReturnPrograms, std::move(parts));
  if (!IsX86()) return_programs_->Refuse("what a thread asked for is read at the end of its call on x86-64 only");
}

absl::Status SwitchCollector::PrepareReturnPrograms() {
  const uint32_t entries = ReturnEntriesOf(view_.ring_count);
  const uint64_t ring_bytes = offsetof(hft_return_ring, entries) + uint64_t{entries} * sizeof(hft_timer_return);
  if (absl::Status status = PrepareGroup(return_programs_.get()); !status.ok()) return status;
  return object_->ResizeMap("timer_returns", view_.ring_count, static_cast<uint32_t>(ring_bytes));
}

absl::Status SwitchCollector::MapReturns() {
  auto rings = object_->MapArray("timer_returns");
  if (!rings.ok()) return rings.status();
  view_.return_rings = rings->data;
  view_.return_stride_bytes = rings->stride_bytes;
  view_.return_entries = ReturnEntriesOf(view_.ring_count);
  return absl::OkStatus();
}

}  // namespace hftmon
