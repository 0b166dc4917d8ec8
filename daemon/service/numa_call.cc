#include "daemon/service/numa_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "daemon/service/answer_size.h"
#include "daemon/service/convert_heat_map.h"
#include "daemon/service/convert_numa.h"
#include "daemon/service/convert_numa_bandwidth.h"
#include "daemon/service/convert_time.h"
#include "daemon/service/numa_accesses.h"
#include "daemon/service/rich_error.h"
#include "daemon/service/target_selection.h"
#include "daemon/service/thread_nodes.h"

namespace hftmon {

grpc::ServerUnaryReactor* NumaCall::Start(grpc::CallbackServerContext* context, const Shared& shared, const v1::QueryNumaRequest& request,
                                          v1::QueryNumaResponse* response) {
  if (shared.core->numa_looks == nullptr) {
    return Refused(context, RichError(grpc::StatusCode::UNIMPLEMENTED, "NO_SAMPLING", "this daemon does not look where memory lies"));
  }
  if (grpc::ServerUnaryReactor* refused = RefusedByLimit(context, shared)) return refused;
  auto* call = new NumaCall(context, shared, response);
  return Started(call, call->Begin(request));
}

grpc::Status NumaCall::Choose(const v1::QueryNumaRequest& request) {
  for (const int32_t pid : request.pids()) {
    TargetInfo running;
    if (const grpc::Status found = FindRunning(pid, &running); !found.ok()) return found;
    targets_.push_back(std::move(running));
  }
  if (request.pids().empty()) {
    TargetSelection selection;
    if (const grpc::Status selected = selection.Select(*shared_.core->targets, request.pids()); !selected.ok()) return selected;
    for (const TargetInfo& target : selection.targets()) {
      if (target.state != TargetState::kEnded && !target.kernel_thread) targets_.push_back(target);
    }
  }
  std::sort(targets_.begin(), targets_.end(), [](const TargetInfo& a, const TargetInfo& b) { return a.pid < b.pid; });
  targets_.erase(std::unique(targets_.begin(), targets_.end(), [](const TargetInfo& a, const TargetInfo& b) { return a.pid == b.pid; }),
                 targets_.end());
  if (targets_.size() > kProcessesMax) {
    response_->set_left_out_process_count(targets_.size() - kProcessesMax);
    targets_.resize(kProcessesMax);
  }
  return grpc::Status::OK;
}

grpc::Status NumaCall::Begin(const v1::QueryNumaRequest& request) {
  if (const grpc::Status chosen = Choose(request); !chosen.ok()) return chosen;
  resolution_ = request.resolution();
  NumaLookPlan plan{.processes = {},
                    .exact = request.exact(),
                    .keep_pages = resolution_ == v1::HEAT_MAP_RESOLUTION_PAGE,
                    .pages_max = request.pages_max() == 0 ? kPagesDefault : static_cast<uint64_t>(request.pages_max()),
                    .bandwidth_ns = request.bandwidth_ns(),
                    .growth_ns = request.growth_ns()};
  heats_.resize(targets_.size());
  for (size_t i = 0; i < targets_.size(); ++i) {
    NumaLookProcess process{.pid = targets_[i].pid, .start_boottime_ns = targets_[i].start_boottime_ns};
    if (resolution_ == v1::HEAT_MAP_RESOLUTION_CACHE_LINE && shared_.core->sampled_lines != nullptr) {
      heats_[i] = shared_.core->sampled_lines->HeatOf(process.pid, process.start_boottime_ns);
    }
    if (heats_[i]) {
      for (const BusyLine& line : heats_[i]->lines) process.addresses.push_back(line.address);
    }
    plan.processes.push_back(std::move(process));
  }
  // How long it takes shows as it goes.
  over_ns_ = PollThread::NowNs() + kPollIntervalNs;
  absl::StatusOr<std::unique_ptr<NumaLookRun>> run = shared_.core->numa_looks->Begin(plan);
  if (!run.ok()) return ToGrpcStatus(run.status());
  run_ = *std::move(run);
  return grpc::Status::OK;
}

void NumaCall::Release() {
  run_.reset();
}

int64_t NumaCall::Poll(int64_t now_ns) {
  over_ns_ = now_ns + kPollIntervalNs;
  return PollRun(run_.get(), now_ns, [this](const NumaLook& look) { return Answer(look); });
}

void NumaCall::AddRemoteShares(const NumaLook& look) {
  if (!HasSeveralMemoryNodes(look.nodes)) return;
  google::protobuf::RepeatedField<int32_t> pids;
  for (const TargetInfo& target : targets_) pids.Add(static_cast<int32_t>(target.pid));
  if (pids.empty()) return;
  TargetSelection selection;
  selection.SelectKnown(*shared_.core->targets, pids);
  const std::vector<ThreadNodes> threads = NodesOfThreads(*shared_.core, selection, look.nodes, kHomeWindowNs);
  for (int i = 0; i < response_->processes_size(); ++i) {
    const NumaLookedProcess& process = look.processes[static_cast<size_t>(i)];
    RemoteSharesToProto(process, look.nodes, HomeOfProcess(threads, process.pid), response_->mutable_processes(i));
  }
}

void NumaCall::AddLineHeat(const NumaLook& look) {
  const auto put = [](const std::string& reason, auto* answer) {
    v1::UnavailablePart* part = answer->add_unavailable();
    part->set_part("heat_map");
    part->set_reason(reason);
  };
  const std::string why_no_sampler = shared_.core->numa_looks->CacheLinesUnavailable();
  if (!why_no_sampler.empty()) put(why_no_sampler, response_);
  for (int i = 0; i < response_->processes_size(); ++i) {
    v1::ProcessPlacement* process = response_->mutable_processes(i);
    const auto at = static_cast<size_t>(i);
    if (!process->error().empty()) continue;
    if (heats_[at]) {
      LineHeatMap(*look.processes[at].placement, *heats_[at], process->mutable_heat_map());
    } else if (why_no_sampler.empty()) {
      put(fmt::format("no sampling of its memory accesses is kept: `hftmon sharing {}` takes one, which interrupts it", process->pid()),
          process);
    }
  }
}

grpc::Status NumaCall::Answer(const NumaLook& look) {
  TimePairToProto(shared_.core->status->Now(), response_->mutable_time());
  NumaLookToProto(look, resolution_, response_);
  if (look.bandwidth) HostBandwidthToProto(*look.bandwidth, look.processes, response_);
  for (int i = 0; i < response_->processes_size(); ++i) {
    const TargetInfo& target = targets_[static_cast<size_t>(i)];
    v1::ProcessPlacement* process = response_->mutable_processes(i);
    process->set_comm(target.comm);
    process->set_namespace_pid(shared_.core->names->NumbersOf(target.pid, target.pid).pid);
    if (process->error().empty()) PutNumaAccesses(*shared_.core, target.pid, process);
  }
  AddRemoteShares(look);
  if (resolution_ == v1::HEAT_MAP_RESOLUTION_CACHE_LINE) AddLineHeat(look);
  return CheckAnswer(*response_, RowsOf(*response_), shared_.limits);
}

}  // namespace hftmon
