#include "common/metric_catalogue.h"
#include "tests/daemon/service/service_fixture.h"

namespace hftmon {
namespace {

using StatusRpcTest = ServiceFixture;

TEST_F(StatusRpcTest, StatusTellsTheDaemonsOwnStateAndCost) {
  v1::GetStatusResponse response;
  ASSERT_TRUE(stub_->GetStatus(Context().get(), {}, &response).ok());
  EXPECT_EQ(response.daemon().pid(), 4242);
  EXPECT_DOUBLE_EQ(response.daemon().cpu_share(), 0.25);
  EXPECT_EQ(response.lost_records(), 5u);
  EXPECT_EQ(response.target_count(), 1);
  ASSERT_EQ(response.probes_size(), 2);
  EXPECT_DOUBLE_EQ(response.probes(0).mean_ns(), 31.5);
  EXPECT_FALSE(response.probes(1).has_mean_ns()) << "a cost that was not measured is absent, not 0";
  ASSERT_EQ(response.drops_size(), 1);
  EXPECT_TRUE(response.drops(0).data_loss());
  ASSERT_EQ(response.bounds_size(), 1);
  EXPECT_EQ(response.bounds(0).limit(), 1024);
  EXPECT_EQ(response.loop().detection().count(), 100u);
  EXPECT_EQ(response.loop().detection().max_ns(), 4'000);
  // 100 samples carry p50 (20 needed) but not p99 (1,000 needed).
  ASSERT_EQ(response.loop().detection().percentiles_size(), 1);
  EXPECT_EQ(response.loop().detection().percentiles(0).percent(), 50);
  EXPECT_EQ(response.clock().source(), "tsc");
  EXPECT_EQ(response.time().monotonic_ns(), kNowNs);
}

TEST_F(StatusRpcTest, StatusTellsTheHostsClocksAndWhatIsNotKnownIsAbsent) {
  v1::GetStatusResponse response;
  ASSERT_TRUE(stub_->GetStatus(Context().get(), {}, &response).ok());
  const v1::ClockStatus& clock = response.clock();
  ASSERT_EQ(clock.run_queue_clocks_size(), 2);
  EXPECT_EQ(clock.run_queue_clocks(0).offset_ns(), -500);
  EXPECT_EQ(clock.run_queue_clocks(0).rate_ppm(), 12.5);
  EXPECT_FALSE(clock.run_queue_clocks(1).has_rate_ppm());
  ASSERT_EQ(clock.epochs_size(), 1);
  EXPECT_EQ(clock.epochs(0).reason(), "start");
  EXPECT_TRUE(clock.kernel_clock().synchronised());
  EXPECT_FALSE(clock.kernel_clock().has_tai_offset_ns()) << "a kernel that was told none holds 0";
  ASSERT_EQ(clock.ptp_clocks_size(), 2);
  EXPECT_TRUE(clock.ptp_clocks(0).available());
  EXPECT_EQ(clock.ptp_clocks(0).offset_ns(), -7);
  EXPECT_EQ(clock.ptp_clocks(0).interfaces(0), "enp1s0");
  EXPECT_FALSE(clock.ptp_clocks(1).available());
  EXPECT_FALSE(clock.ptp_clocks(1).has_offset_ns());
  EXPECT_EQ(clock.ptp_reason(), "");
}

TEST_F(StatusRpcTest, CapabilitiesNameReasonAndMend) {
  v1::GetCapabilitiesResponse response;
  ASSERT_TRUE(stub_->GetCapabilities(Context().get(), {}, &response).ok());
  ASSERT_EQ(response.capabilities_size(), 1);
  EXPECT_FALSE(response.capabilities(0).available());
  EXPECT_TRUE(response.capabilities(0).required());
  EXPECT_EQ(response.capabilities(0).reason(), "no BTF");
  EXPECT_EQ(response.capabilities(0).mend(), "boot a kernel with CONFIG_DEBUG_INFO_BTF");
}

TEST_F(StatusRpcTest, EveryMetricOfTheCatalogueIsListed) {
  v1::ListMetricsResponse response;
  ASSERT_TRUE(stub_->ListMetrics(Context().get(), {}, &response).ok());
  ASSERT_EQ(static_cast<size_t>(response.metrics_size()), MetricRows().size());
  for (int i = 0; i < response.metrics_size(); ++i) {
    EXPECT_EQ(response.metrics(i).name(), MetricRows()[i].name);
    EXPECT_FALSE(response.metrics(i).unit().empty());
    EXPECT_FALSE(response.metrics(i).kind().empty());
    EXPECT_FALSE(response.metrics(i).help().empty());
    EXPECT_FALSE(response.metrics(i).source().empty());
  }
}

}  // namespace
}  // namespace hftmon
