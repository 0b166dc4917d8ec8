#include <gmock/gmock.h>

#include <thread>

#include "daemon/service/rich_error.h"
#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

class NumaMeasureRpcTest : public ServiceFixture {
 protected:
  NumaMeasureRpcTest() {
    NumaMatrix& matrix = *numa_measuring_.result;
    matrix.elapsed_ns = 300;
    matrix.bytes_moved = 4'000;
    matrix.pairs = {{.plan = {.cpu_node = 0, .memory_node = 2, .cpu = 3, .buffer_bytes = 64 << 20, .reason = {}},
                     .load_ns = 120.5,
                     .read_mb_s = 14'000,
                     .huge_pages = false,
                     .page_bytes = 4'096,
                     .small_pages_reason = "too few blocks"},
                    {.plan = {.cpu_node = 2, .memory_node = 2, .cpu = std::nullopt, .buffer_bytes = 64 << 20, .reason = "no CPU is free"},
                     .load_ns = std::nullopt,
                     .read_mb_s = std::nullopt}};
  }
  grpc::Status Measure() { return stub_->MeasureNuma(Context().get(), {}, &response_); }

  v1::MeasureNumaResponse response_;
};

TEST_F(NumaMeasureRpcTest, PairsAreToldWithValuesOrReasons) {
  ASSERT_TRUE(Measure().ok());
  EXPECT_EQ(response_.time().monotonic_ns(), kNowNs);
  EXPECT_EQ(response_.elapsed_ns(), 300);
  EXPECT_EQ(response_.bytes_moved(), 4'000u);
  ASSERT_EQ(response_.pairs_size(), 2);
  const v1::MeasuredPair& measured = response_.pairs(0);
  EXPECT_EQ(measured.cpu_node(), 0);
  EXPECT_EQ(measured.memory_node(), 2);
  EXPECT_EQ(measured.cpu(), 3);
  EXPECT_EQ(measured.load_ns(), 120.5);
  EXPECT_EQ(measured.read_mb_s(), 14'000);
  EXPECT_EQ(measured.buffer_bytes(), 64 << 20);
  EXPECT_FALSE(measured.huge_pages());
  EXPECT_EQ(measured.page_bytes(), 4'096);
  EXPECT_EQ(measured.small_pages_reason(), "too few blocks");
  EXPECT_EQ(measured.reason(), "");
  const v1::MeasuredPair& other = response_.pairs(1);
  EXPECT_FALSE(other.has_cpu() || other.has_load_ns() || other.has_read_mb_s());
  EXPECT_EQ(other.reason(), "no CPU is free");
}

TEST_F(NumaMeasureRpcTest, RefusalsKeepTheirReason) {
  numa_measuring_.refusal = absl::ResourceExhaustedError("somebody measures already");
  numa_measuring_.refusal.SetPayload(kErrorReasonPayload, absl::Cord("SAMPLING"));
  const grpc::Status status = Measure();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "SAMPLING");
}

TEST_F(NumaMeasureRpcTest, AClientThatGoesAwayEndsIt) {
  numa_measuring_.over.store(false, std::memory_order_seq_cst);
  const auto context = Context();
  grpc::Status status;
  std::thread call([&] {
    v1::MeasureNumaResponse response;
    status = stub_->MeasureNuma(context.get(), {}, &response);
  });
  numa_measuring_.AwaitBegun(1);
  context->TryCancel();
  call.join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  numa_measuring_.AwaitEnded(1);
  EXPECT_EQ(numa_measuring_.cancelled_count(), 1);
}

TEST_F(NumaMeasureRpcTest, ItIsAQueryAsOthersAreAndItsAnswerIsBounded) {
  server_->SetLimits({.queries_max = 0});
  EXPECT_EQ(ErrorInfoOf(Measure()).reason(), "QUERY_LIMIT");
  server_->SetLimits({.answer_rows_max = 1});
  EXPECT_EQ(ErrorInfoOf(Measure()).reason(), "ANSWER_LIMIT");
}

}  // namespace
}  // namespace hftmon
