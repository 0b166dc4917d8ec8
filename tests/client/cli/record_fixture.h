// RecordFixture: a scripted daemon that answers whatever a recorder asks, with the questions kept.
#ifndef HFTMON_TESTS_CLIENT_CLI_RECORD_FIXTURE_H_
#define HFTMON_TESTS_CLIENT_CLI_RECORD_FIXTURE_H_

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <mutex>
#include <string>
#include <vector>

#include "client/recording/recording_reader.h"
#include "tests/client/cli/cli_fixture.h"
#include "tests/client/cpp/temporary_folder.h"

namespace hftmon {

class RecordFixture : public CliFixture {
 protected:
  static constexpr int64_t kSpikeNs = 30'000;

  RecordFixture() {
    monitor_.get_status = [](const auto&, auto* response) {
      response->mutable_daemon()->set_version("9.9");
      response->mutable_time()->set_monotonic_ns(NowNs());
      response->mutable_time()->set_realtime_ns(1'764'000'000'000'000'000);
      return grpc::Status::OK;
    };
    monitor_.query_timeline = [this](const auto& request, auto* response) { return AnswerTimeline(request, response); };
    monitor_.detect_spikes = [this](const auto& request, auto* response) {
      Note(&spikes_asked_, request);
      v1::Spike* spike = response->add_spikes();
      spike->set_id(7);
      spike->mutable_thread()->set_tid(12);
      spike->mutable_thread()->set_pid(11);
      spike->mutable_thread()->set_comm("matcher");
      spike->set_kind("preempted");
      spike->set_start_monotonic_ns(spike_start_ns_);
      spike->set_duration_ns(kSpikeNs);
      spike->set_unexplained_ns(kSpikeNs);
      return grpc::Status::OK;
    };
    monitor_.query_context_switches = [](const auto&, auto*) { return grpc::Status::OK; };
    monitor_.query_interrupts = [](const auto&, auto*) { return grpc::Status::OK; };
    monitor_.query_operations = [](const auto&, auto* response) {
      response->set_available(true);
      return grpc::Status::OK;
    };
    monitor_.list_metrics = [](const auto&, auto* response) {
      response->add_metrics()->set_name("spike_count");
      response->mutable_metrics(0)->set_unit("count");
      return grpc::Status::OK;
    };
    monitor_.watch_metrics = [](const auto&) {
      StreamScript<v1::WatchMetricsResponse> script{.messages = std::vector<v1::WatchMetricsResponse>(1), .hold = true};
      script.messages[0].mutable_window()->set_end_monotonic_ns(NowNs());
      v1::MetricSample* sample = script.messages[0].add_samples();
      sample->set_metric("spike_count");
      sample->set_pid(11);
      sample->set_value(3);
      return script;
    };
  }

  static int64_t NowNs() { return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1); }

  // One thread that ran all the time.
  grpc::Status AnswerTimeline(const v1::QueryTimelineRequest& request, v1::QueryTimelineResponse* response) {
    Note(&timelines_asked_, request);
    const int64_t begin_ns = request.end_monotonic_ns() - request.window_ns();
    response->mutable_window()->set_begin_monotonic_ns(begin_ns);
    response->mutable_window()->set_end_monotonic_ns(request.end_monotonic_ns());
    response->set_run_queue_floor_ns(20'000);
    response->set_off_cpu_floor_ns(20'000);
    v1::ThreadTimeline* told = response->add_threads();
    told->mutable_thread()->set_tid(12);
    told->mutable_thread()->set_pid(11);
    told->mutable_thread()->set_comm("matcher");
    v1::TimelinePiece* piece = told->add_pieces();
    piece->set_start_monotonic_ns(begin_ns);
    piece->set_duration_ns(request.window_ns());
    piece->set_state("running");
    piece->set_cpu(3);
    return grpc::Status::OK;
  }

  template <typename Request>
  void Note(std::vector<Request>* asked, const Request& request) {
    const std::lock_guard lock(mutex_);
    asked->push_back(request);
  }

  std::string Output() const { return folder_.File("recording"); }
  static std::string FileText(const std::string& name) {
    std::ifstream file(name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  Recording Read() const {
    const auto recording = ReadRecording(FileText(Output()));
    EXPECT_TRUE(recording.ok()) << recording.status();
    return recording.ok() ? *recording : Recording();
  }

  TemporaryFolder folder_;
  std::mutex mutex_;
  int64_t spike_start_ns_ = NowNs();
  std::vector<v1::QueryTimelineRequest> timelines_asked_;
  std::vector<v1::DetectSpikesRequest> spikes_asked_;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_CLIENT_CLI_RECORD_FIXTURE_H_
