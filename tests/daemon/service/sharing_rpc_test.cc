#include <gmock/gmock.h>

#include <thread>

#include "common/memory_access/contended_lines.h"
#include "daemon/service/rich_error.h"
#include "tests/common/memory_access/sharing_streams.h"
#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint64_t kLine = 0x500040;

class SharingRpcTest : public ServiceFixture {
 protected:
  SharingRpcTest() {
    request_.set_pid(kPid);
    request_.set_duration_ns(2'000'000);
    Become({StoreAt(kLine, 1), StoreAt(kLine, 1), StoreAt(kLine + 8, 2), HitmAt(kLine + 8, 2, 300), LoadAt(0x9000, 2)});
    accesses_.result->counts.told_count = 5;
  }
  // The answer is what these say.
  void Become(const std::vector<MemoryAccess>& stream) {
    AccessSamples samples{.begin_mono_ns = 1'000, .end_mono_ns = 2'001'000, .events = {"loads", "stores"}};
    ContendedLines lines;
    MemoryLoadSummary loads;
    for (const MemoryAccess& access : stream) {
      lines.Add(access);
      loads.Add(access);
    }
    samples.table = lines.Build(LineOrder::kCycles, std::vector<std::optional<uint32_t>>{0});
    samples.loads = LoadTableOf(loads);
    const auto places = [](const std::vector<ContendedLine>& of) {
      std::vector<LinePlaces> all;
      for (const ContendedLine& line : of) {
        LinePlaces one{.data = AddressPlace{.mapping = "[heap]", .offset = 0x40}, .code = {}};
        one.code.assign(line.sites.size(), AddressPlace{.mapping = "/opt/engine", .offset = 0x1010});
        all.push_back(std::move(one));
      }
      return all;
    };
    samples.places = places(samples.table.lines);
    samples.shared_places = places(samples.table.shared_lines);
    samples.counts.thread_count = 2;
    samples.counts.event_count = 4;
    samples.counts.ring_bytes = 8'192;
    samples.counts.samples.access_count = stream.size();
    samples.daemon_cpu_ns = 12'000;
    accesses_.result = std::move(samples);
  }
  grpc::Status Sample() { return stub_->SampleAccesses(Context().get(), request_, &response_); }

  v1::SampleAccessesRequest request_;
  v1::SampleAccessesResponse response_;
};

TEST_F(SharingRpcTest, LinesLoadsCostAndCoverageAreTold) {
  ASSERT_TRUE(Sample().ok());
  EXPECT_EQ(response_.time().monotonic_ns(), kNowNs);
  EXPECT_EQ(response_.pid(), static_cast<int32_t>(kPid));
  EXPECT_EQ(response_.begin_monotonic_ns(), 1'000);
  EXPECT_EQ(response_.end_monotonic_ns(), 2'001'000);
  EXPECT_EQ(response_.end(), v1::ACCESS_SAMPLING_END_DURATION);
  EXPECT_THAT(response_.events(), ElementsAre("loads", "stores"));
  EXPECT_EQ(response_.cost().interrupt_count_max(), 5u);
  EXPECT_EQ(response_.cost().event_count(), 4u);
  EXPECT_EQ(response_.cost().cross_call_count_max(), 16u);
  EXPECT_EQ(response_.cost().ring_bytes(), 8'192u);
  EXPECT_EQ(response_.cost().daemon_cpu_ns(), 12'000);
  EXPECT_EQ(response_.coverage().sample_count(), 5u);
  EXPECT_EQ(response_.coverage().thread_count(), 2u);
  EXPECT_TRUE(response_.coverage().complete());
  EXPECT_EQ(response_.loads().count(), 2u);
  EXPECT_EQ(response_.loads().store_count(), 3u);
  EXPECT_EQ(response_.loads().hitm_count(), 1u);
  uint64_t served = 0;
  for (const v1::LoadLevel& level : response_.loads().levels()) served += level.count();
  EXPECT_EQ(served, 2u);
  EXPECT_EQ(response_.loads().levels(0).level(), v1::MEMORY_LEVEL_L1);
  EXPECT_THAT(response_.unavailable(), IsEmpty());
  accesses_.AwaitEnded(1);
}

TEST_F(SharingRpcTest, WhatHardwareWritesIntoMemoryInterruptsByTheStretchAndItsLossesAreTold) {
  MemorySamplerCounts& counts = accesses_.result->counts.samples;
  counts.traced.access_count = 4;
  counts.traced.resume_count = 1;
  counts.traced.unread_source_count = 11;
  counts.traced.aux = {.record_count = 2, .truncated_count = 7, .partial_count = 8, .collision_count = 9, .damage_count = 3};
  counts.traced.read = {.malformed = 5, .cut_records = 1};
  counts.ring.damage_count = 1;
  ASSERT_TRUE(Sample().ok());
  EXPECT_EQ(response_.cost().interrupt_count_max(), 3u) << "two stretches, and a sample of its own";
  EXPECT_EQ(response_.cost().cross_call_count_max(), 17u);
  EXPECT_EQ(response_.coverage().truncated_count(), 7u);
  EXPECT_EQ(response_.coverage().gap_count(), 8u);
  EXPECT_EQ(response_.coverage().collision_count(), 9u);
  EXPECT_EQ(response_.coverage().unread_source_count(), 11u);
  EXPECT_EQ(response_.coverage().undecoded_count(), 6u);
  EXPECT_EQ(response_.coverage().damage_count(), 4u);
  EXPECT_FALSE(response_.coverage().complete());
}

TEST_F(SharingRpcTest, ALineTellsWhoUsesWhichOffsetFromWhereAndWhatToChange) {
  ASSERT_TRUE(Sample().ok());
  const v1::ContendedLineTable& table = response_.lines();
  EXPECT_EQ(table.order(), v1::LINE_ORDER_CYCLES);
  EXPECT_EQ(table.line_bytes(), 64u);
  EXPECT_EQ(table.line_count(), 1u);
  EXPECT_EQ(table.access_count(), 5u);
  EXPECT_EQ(table.contended_access_count(), 4u);
  EXPECT_EQ(table.uncontended_access_count(), 1u);
  EXPECT_THAT(table.shared_lines(), IsEmpty());
  ASSERT_EQ(table.lines_size(), 1);
  const v1::ContendedLine& line = table.lines(0);
  EXPECT_EQ(line.address(), kLine);
  EXPECT_EQ(line.data().mapping(), "[heap]");
  EXPECT_EQ(line.data().offset(), 0x40u);
  EXPECT_EQ(line.counts().hitm_local_count(), 1u);
  EXPECT_EQ(line.counts().store_count(), 3u);
  EXPECT_EQ(line.estimated_cycles(), 300u);
  EXPECT_EQ(line.verdict(), v1::SHARING_VERDICT_FALSE);
  EXPECT_EQ(line.false_count(), 1u);
  ASSERT_EQ(line.offsets_size(), 2);
  EXPECT_EQ(line.offsets(1).offset(), 8u);
  EXPECT_THAT(line.offsets(1).tids(), ElementsAre(2u));
  EXPECT_THAT(line.offsets(1).writer_tids(), ElementsAre(2u));
  ASSERT_EQ(line.threads_size(), 2);
  EXPECT_EQ(line.threads(0).tid(), 2) << "most contended first";
  EXPECT_EQ(line.threads(0).comm(), "thread2");
  ASSERT_EQ(line.sites_size(), 2);
  EXPECT_EQ(line.sites(0).code().mapping(), "/opt/engine");
  EXPECT_EQ(line.sites(0).counts().hitm_local_count(), 1u);
  ASSERT_GE(line.advice_size(), 1);
  EXPECT_EQ(line.advice(0).kind(), v1::ADVICE_KIND_PAD);
  EXPECT_EQ(line.advice(0).estimated_cycles(), 300u);
}

TEST_F(SharingRpcTest, WhereNothingTellsWhoHadALineSharedOnesAreToldAndTheReason) {
  MemoryAccess one = StoreAt(kLine, 1);
  one.source = {.store = true};
  MemoryAccess other = one;
  other.address += 8;
  other.tid = 2;
  Become({one, other});
  ASSERT_TRUE(Sample().ok());
  EXPECT_THAT(response_.lines().lines(), IsEmpty());
  EXPECT_EQ(response_.lines().shared_line_count(), 1u);
  ASSERT_EQ(response_.lines().shared_lines_size(), 1);
  const v1::ContendedLine& line = response_.lines().shared_lines(0);
  EXPECT_EQ(line.verdict(), v1::SHARING_VERDICT_FALSE);
  EXPECT_EQ(line.false_count(), 2u);
  EXPECT_FALSE(line.has_estimated_cycles());
  EXPECT_THAT(line.advice(), IsEmpty());
  ASSERT_EQ(response_.unavailable_size(), 1);
  EXPECT_EQ(response_.unavailable(0).part(), "contended_lines");
  EXPECT_THAT(response_.unavailable(0).reason(), HasSubstr("which core had the line"));
}

TEST_F(SharingRpcTest, WhatIsMissingIsTold) {
  AccessSamples& samples = *accesses_.result;
  samples.end = AccessSamplingEnd::kProcessEnded;
  samples.places_unavailable = "not this one";
  samples.counts.born_thread_count = 1;
  samples.counts.unsampled_thread_count = 2;
  samples.counts.unsampled_reason = "no room";
  samples.counts.samples.undecoded_count = 3;
  samples.counts.samples.throttle_count = 4;
  samples.counts.samples.ring = {.lost_count = 5, .dropped_count = 6, .damage_count = 7};
  ASSERT_TRUE(Sample().ok());
  EXPECT_EQ(response_.end(), v1::ACCESS_SAMPLING_END_PROCESS_ENDED);
  const v1::AccessSamplingCoverage& coverage = response_.coverage();
  EXPECT_EQ(coverage.born_thread_count(), 1u);
  EXPECT_EQ(coverage.unsampled_thread_count(), 2u);
  EXPECT_EQ(coverage.unsampled_reason(), "no room");
  EXPECT_EQ(coverage.undecoded_count(), 3u);
  EXPECT_EQ(coverage.throttle_count(), 4u);
  EXPECT_EQ(coverage.lost_count(), 5u);
  EXPECT_EQ(coverage.dropped_count(), 6u);
  EXPECT_EQ(coverage.damage_count(), 7u);
  EXPECT_FALSE(coverage.complete());
  EXPECT_EQ(response_.cost().interrupt_count_max(), 5u + 3 + 5 + 6) << "what was lost interrupted too";
  ASSERT_EQ(response_.unavailable_size(), 1);
  EXPECT_EQ(response_.unavailable(0).part(), "places");
}

TEST_F(SharingRpcTest, WhatIsAskedForIsHandedOnWithTheDefaults) {
  request_.set_order(v1::LINE_ORDER_REMOTE);
  request_.set_max_lines(7);
  request_.set_load_latency_cycles(50);
  request_.set_period(1'001);
  ASSERT_TRUE(Sample().ok());
  EXPECT_EQ(accesses_.plan().pid, kPid);
  EXPECT_EQ(accesses_.plan().duration_ns, 2'000'000);
  EXPECT_EQ(accesses_.plan().load_latency_cycles, 50u);
  EXPECT_EQ(accesses_.plan().period, 1'001u);
  EXPECT_EQ(accesses_.plan().order, LineOrder::kRemoteHitm);
  EXPECT_EQ(accesses_.plan().lines_max, 7u);
  request_ = {};
  request_.set_pid(kPid);
  ASSERT_TRUE(Sample().ok());
  EXPECT_EQ(accesses_.plan().duration_ns, kSecondNs);
  EXPECT_EQ(accesses_.plan().load_latency_cycles, 30u);
  EXPECT_EQ(accesses_.plan().period, 10'007u);
  EXPECT_EQ(accesses_.plan().order, LineOrder::kCycles);
  EXPECT_EQ(accesses_.plan().lines_max, 20u);
}

TEST_F(SharingRpcTest, WhatCannotBeIsRefusedWithItsField) {
  const v1::SampleAccessesRequest good = request_;
  const auto field_of = [&](auto change) {
    request_ = good;
    change(&request_);
    const auto violations = BadRequestOf(Sample());
    return violations.has_value() ? violations->field_violations(0).field() : "";
  };
  EXPECT_EQ(field_of([](auto* bad) { bad->set_pid(0); }), "pid");
  for (const int64_t duration_ns : {int64_t{-1}, int64_t{999'999}, 60 * kSecondNs + 1}) {
    EXPECT_EQ(field_of([&](auto* bad) { bad->set_duration_ns(duration_ns); }), "duration_ns");
  }
  EXPECT_EQ(field_of([](auto* bad) { bad->set_load_latency_cycles(65'536); }), "load_latency_cycles");
  EXPECT_EQ(field_of([](auto* bad) { bad->set_period((uint64_t{1} << 31) + 1); }), "period");
  EXPECT_EQ(field_of([](auto* bad) { bad->set_period(UINT64_MAX); }), "period");
  EXPECT_EQ(field_of([](auto* bad) { bad->set_order(static_cast<v1::LineOrder>(9)); }), "order");
  EXPECT_EQ(field_of([](auto* bad) { bad->set_max_lines(1'001); }), "max_lines");
  EXPECT_EQ(field_of([](auto* bad) { bad->set_max_lines(-1); }), "max_lines");
}

TEST_F(SharingRpcTest, OnlyATargetThatRunsIsSampled) {
  request_.set_pid(4);
  grpc::Status status = Sample();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "NOT_A_TARGET");
  targets_.Pause(kPid);
  request_.set_pid(kPid);
  status = Sample();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("targets --resume 1000"));
  targets_.End(kPid, kNowNs);
  request_.set_pid(kPid);
  status = Sample();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "ENDED");
}

TEST_F(SharingRpcTest, ARefusalAndAnErrorKeepTheirCodeReasonAndWords) {
  accesses_.refusal = absl::ResourceExhaustedError("sampled already");
  accesses_.refusal.SetPayload(kErrorReasonPayload, absl::Cord("SAMPLING"));
  grpc::Status status = Sample();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "SAMPLING");
  accesses_.refusal = absl::OkStatus();
  absl::Status none = absl::FailedPreconditionError("no PMU in this guest");
  none.SetPayload(kErrorReasonPayload, absl::Cord("NO_ACCESS_SAMPLING"));
  accesses_.result = none;
  status = Sample();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "NO_ACCESS_SAMPLING");
  EXPECT_THAT(status.error_message(), HasSubstr("no PMU in this guest"));
  accesses_.AwaitEnded(1);
}

TEST_F(SharingRpcTest, AClientThatGoesAwayEndsIt) {
  accesses_.over.store(false, std::memory_order_seq_cst);
  const auto context = Context();
  grpc::Status status;
  std::thread call([&] {
    v1::SampleAccessesResponse response;
    status = stub_->SampleAccesses(context.get(), request_, &response);
  });
  accesses_.AwaitBegun(1);
  context->TryCancel();
  call.join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  accesses_.AwaitEnded(1);
  EXPECT_EQ(accesses_.cancelled_count(), 1);
}

TEST_F(SharingRpcTest, ADaemonThatStopsEndsIt) {
  accesses_.over.store(false, std::memory_order_seq_cst);
  grpc::Status status;
  std::thread call([&] {
    v1::SampleAccessesResponse response;
    status = stub_->SampleAccesses(Context().get(), request_, &response);
  });
  accesses_.AwaitBegun(1);
  server_->Shutdown(kSecondNs);
  call.join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  accesses_.AwaitEnded(1);
  EXPECT_EQ(accesses_.cancelled_count(), 1);
}

TEST_F(SharingRpcTest, ItIsAQueryAsOthersAreAndItsAnswerIsBounded) {
  server_->SetLimits({.queries_max = 0});
  EXPECT_EQ(ErrorInfoOf(Sample()).reason(), "QUERY_LIMIT");
  server_->SetLimits({.answer_rows_max = 2});
  EXPECT_EQ(ErrorInfoOf(Sample()).reason(), "ANSWER_LIMIT");
  server_->SetLimits({});
  EXPECT_TRUE(Sample().ok());
}

}  // namespace
}  // namespace hftmon
