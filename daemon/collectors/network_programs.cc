#include "daemon/collectors/network_programs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>

namespace hftmon {
namespace {

struct Row {
  std::string_view name;
  std::string_view part;  // of what is told, that it stands for
  hft_network_program number;
};

// In the order of a packet's way: who is asked for one later has seen it arrive.
constexpr std::array<Row, 7> kRows = {{
    {"on_packet_arrived", "sockets' packets", HFT_NETWORK_ARRIVAL},
    {"on_packet_queued", "sockets' datagrams, and when a stream's packets were queued", HFT_NETWORK_QUEUED},
    {"on_packet_copied", "sockets' streams", HFT_NETWORK_COPIED},
    {"on_socket_read", "sockets' datagrams", HFT_NETWORK_READ},
    {"on_napi_poll", "polls", HFT_NETWORK_NAPI_POLL},
    {"on_packet_dropped", "drops by reason", HFT_NETWORK_DROP},
    {"on_tcp_retransmit", "TCP retransmits", HFT_NETWORK_RETRANSMIT},
}};

constexpr std::array<std::string_view, kRows.size()> NamesOfRows() {
  std::array<std::string_view, kRows.size()> names;
  for (size_t i = 0; i < kRows.size(); ++i) names[i] = kRows[i].name;
  return names;
}
constexpr std::array<std::string_view, kRows.size()> kNames = NamesOfRows();

const Row* Find(std::string_view program) {
  const auto row = std::find_if(kRows.begin(), kRows.end(), [program](const Row& one) { return one.name == program; });
  return row == kRows.end() ? nullptr : &*row;
}

// Relaxed: the count stands for itself.
uint64_t Load(const __u64& word) {
  return std::atomic_ref<__u64>(const_cast<__u64&>(word)).load(std::memory_order_relaxed);
}

}  // namespace

NetworkPrograms::NetworkPrograms(Parts parts)
    : parts_(std::move(parts)), demand_([this] { return Attach(); }, [this] { return Detach(); }) {}

std::span<const std::string_view> NetworkPrograms::Names() {
  return kNames;
}

void NetworkPrograms::LeaveOut(std::string_view program, const std::string& reason) {
  const Row* row = Find(program);
  if (row == nullptr) return;
  left_out_.push_back(row->name);
  missing_.push_back(fmt::format("{}: {}", row->part, reason));
}

std::string NetworkPrograms::refusal() const {
  return left_out_.size() == kRows.size() ? missing_.front() : "";
}

absl::Status NetworkPrograms::Attach() {
  if (const std::string why = refusal(); !why.empty()) {
    return absl::FailedPreconditionError(fmt::format("probe group \"network\" is not available on this host: {}", why));
  }
  if (absl::Status admitted = parts_.admit("attaching the programs of packets"); !admitted.ok()) return admitted;
  std::lock_guard lock(mutex_);
  parts_.begin();
  for (const Row& row : kRows) {
    if (std::find(left_out_.begin(), left_out_.end(), row.name) != left_out_.end()) continue;
    absl::StatusOr<Attachment> attached = parts_.attach(std::string(row.name));
    if (!attached.ok()) {
      attachments_.clear();
      return attached.status();
    }
    attachments_.push_back(*std::move(attached));
  }
  return absl::OkStatus();
}

absl::Status NetworkPrograms::Detach() {
  if (absl::Status admitted = parts_.admit("detaching the programs of packets"); !admitted.ok()) return admitted;
  std::lock_guard lock(mutex_);
  attachments_.clear();
  return absl::OkStatus();
}

bool NetworkPrograms::IsOne(std::string_view program) {
  return Find(program) != nullptr;
}

uint64_t NetworkPrograms::RunCount(std::string_view program, std::span<const hft_cpu_network> cpus) {
  const Row* row = Find(program);
  if (row == nullptr) return 0;
  uint64_t count = 0;
  for (const hft_cpu_network& cpu : cpus) count += Load(cpu.run_count[row->number]);
  return count;
}

}  // namespace hftmon
