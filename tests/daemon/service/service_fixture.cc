#include "tests/daemon/service/service_fixture.h"

#include <cstdlib>

#include "google/rpc/status.pb.h"
#include "grpcpp/support/error_details.h"

namespace hftmon {

ServiceFixture::ServiceFixture() = default;
ServiceFixture::~ServiceFixture() = default;

void ServiceFixture::SetUp() {
  std::string folder = (std::filesystem::temp_directory_path() / "hftmon-service-XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  folder_ = folder;
  status_.SetNow(kNowNs);
  targets_.Add(kPid);
  auto server = MonitorServer::Start(Core(), {SocketAddress()}, limits_);
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  stub_ = v1::Monitor::NewStub(grpc::CreateChannel(SocketAddress(), grpc::InsecureChannelCredentials()));
}

void ServiceFixture::TearDown() {
  stub_.reset();
  server_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

ServiceCore ServiceFixture::Core() {
  return {.targets = &targets_,
          .status = &status_,
          .operation = &operation_,
          .names = &names_,
          .namespaces = namespaces_.get(),
          .totals = &totals_,
          .scheduling = &scheduling_,
          .interrupts = &interrupts_,
          .affinities = &affinities_,
          .deferred = &deferred_,
          .coalescing = &coalescing_,
          .calls = &calls_,
          .faults = &faults_,
          .kernel_locks = &kernel_locks_,
          .timer_returns = &timer_returns_,
          .counters = has_counters_ ? &counters_ : nullptr,
          .counter_history = has_counters_ ? &counter_history_ : nullptr,
          .counter_sampling = &counter_sampling_,
          .hardware = &hardware_,
          .network = &network_,
          .operations = &operations_,
          .sampling = &sampling_,
          .accesses = &accesses_,
          .mappings = [this](uint32_t pid) -> absl::StatusOr<ProcMaps> {
            const auto found = maps_.find(pid);
            if (found == maps_.end()) return absl::PermissionDeniedError("not this one");
            return ProcMaps::Parse(found->second);
          },
          .files = [this](uint32_t, uint32_t tid, int32_t descriptor) -> absl::StatusOr<std::string> {
            const auto found = files_.find({tid, descriptor});
            if (found == files_.end()) return absl::NotFoundError("not open");
            return found->second;
          },
          .sender_stacks = &sender_stacks_,
          .numa = [this] { return numa_; },
          .numa_of_thread = [](uint32_t, uint32_t tid) -> absl::StatusOr<NumaOfThread> {
            if (tid != kThread.tid) return absl::NotFoundError("nothing of it");
            return NumaOfThread{.fault_count = tid, .moved_page_count = 7};
          },
          .windows = &windows_,
          .thread_states = &thread_states_,
          .switch_events = &switch_events_,
          .spikes = &spikes_,
          .boost_steps = &boosts_.steps(),
          .boosts_unavailable = boosts_unavailable_,
          .task_priorities = [this](uint32_t, uint32_t tid) -> absl::StatusOr<ThreadStat> {
            const auto found = task_priorities_.find(tid);
            if (found == task_priorities_.end()) return absl::NotFoundError("no such thread");
            return found->second;
          },
          .time = &time_,
          .numa_looks = &numa_looks_,
          .numa_measuring = &numa_measuring_,
          .sampled_lines = &sampled_lines_};
}

std::unique_ptr<grpc::ClientContext> ServiceFixture::Context() {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(2));
  return context;
}

google::rpc::ErrorInfo ServiceFixture::ErrorInfoOf(const grpc::Status& status) {
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  if (!grpc::ExtractErrorDetails(status, &details).ok()) return info;
  for (const auto& detail : details.details()) {
    if (detail.UnpackTo(&info)) break;
  }
  return info;
}

std::optional<google::rpc::BadRequest> ServiceFixture::BadRequestOf(const grpc::Status& status) {
  google::rpc::Status details;
  if (!grpc::ExtractErrorDetails(status, &details).ok()) return std::nullopt;
  for (const auto& detail : details.details()) {
    google::rpc::BadRequest bad_request;
    if (detail.UnpackTo(&bad_request)) return bad_request;
  }
  return std::nullopt;
}

void ServiceFixture::CloseBucket(int64_t begin_ns, int64_t end_ns, uint32_t wait_count, uint32_t wait_bucket, const ThreadKey& thread) {
  if (wait_count > 0) {
    ThreadDelta delta{.thread = thread, .slot = 1, .begin_mono_ns = begin_ns, .end_mono_ns = end_ns};
    delta.voluntary_count = wait_count;
    delta.involuntary_count = 2;
    delta.run_delay_ns = 1'000 * static_cast<uint64_t>(wait_count);
    delta.off_cpu_ns = 5'000 * static_cast<uint64_t>(wait_count);
    delta.off_cpu_count = wait_count;
    delta.migration_count = 3;
    delta.run_queue_max_ns = 77'777;
    delta.off_cpu_max_ns = 99'999;
    delta.kind_count[HFT_SWITCH_YIELD] = wait_count;
    delta.depth[2] = wait_count;
    delta.run_queue.Add(wait_bucket, wait_count);
    delta.off_cpu.Add(wait_bucket, wait_count);
    windows_.OnThreadDelta(delta);
  }
  windows_.OnBucketClosed(begin_ns, end_ns, end_ns);
}

Spike ServiceFixture::MakeSpike(int64_t end_ns, int64_t duration_ns, SpikeKind kind, const ThreadKey& thread) {
  Spike spike;
  spike.id = next_spike_id_++;
  spike.kind = kind;
  spike.thread = thread;
  spike.cpu = 3;
  spike.depth = 2;
  spike.priority = 120;
  spike.start_mono_ns = end_ns - duration_ns;
  spike.duration_ns = duration_ns;
  spike.record_mono_ns = end_ns;
  spike.record_clock_ns = end_ns - 5;
  spike.detected_mono_ns = end_ns + 1'500;
  spike.unexplained_ns = duration_ns / 4;
  spike.cause_count = 1;
  spike.causes[0] = {
      .kind = CauseKind::kThread, .cpu = 3, .run_count = 1, .tid = 55, .tgid = 50, .duration_ns = duration_ns - duration_ns / 4};
  return spike;
}

void ServiceFixture::AppendSpike(int64_t end_ns, int64_t duration_ns, SpikeKind kind, const ThreadKey& thread) {
  Spike spike = MakeSpike(end_ns, duration_ns, kind, thread);
  spikes_.Append(&spike);
}

ServiceFixture::Subscription ServiceFixture::Subscribe(v1::Monitor::Stub* stub, const v1::StreamSpikesRequest& request) {
  Subscription subscription;
  subscription.context = Context();
  subscription.reader = stub->StreamSpikes(subscription.context.get(), request);
  subscription.in_force = subscription.reader->Read(&subscription.first);
  return subscription;
}

std::unique_ptr<v1::Monitor::Stub> ServiceFixture::NarrowStub() const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 64 << 10);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return v1::Monitor::NewStub(grpc::CreateCustomChannel(SocketAddress(), grpc::InsecureChannelCredentials(), arguments));
}

}  // namespace hftmon
