#include "daemon/os/ptp_clocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/ptp_clock.h>

#include <cerrno>
#include <map>
#include <set>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kSystemNs = 1'700'000'000'000'000'000;
constexpr int64_t kAheadNs = 37'000'000'250;  // of the PTP clock

ptp_clock_time Time(int64_t ns) {
  ptp_clock_time time{};
  time.sec = ns / 1'000'000'000;
  time.nsec = static_cast<__u32>(ns % 1'000'000'000);
  return time;
}

// Devices by path; each knows a set of requests. Fails on a device that is not there, a request that changes something, a missing close.
class FakePtpCalls final : public PtpCalls {
 public:
  ~FakePtpCalls() override { EXPECT_EQ(open_, 0) << "left open"; }
  int Open(const std::string& path) const override {
    const auto found = devices.find(path);
    if (found == devices.end()) {
      ADD_FAILURE() << "opened " << path;
      return -ENOENT;
    }
    if (open_error != 0) return -open_error;
    current_ = found->second;
    ++open_;
    return 77;
  }
  int Control(int fd, unsigned long request, void* argument) const override {
    EXPECT_EQ(fd, 77);
    if (request != PTP_SYS_OFFSET_PRECISE && request != PTP_SYS_OFFSET_EXTENDED && request != PTP_SYS_OFFSET) {
      ADD_FAILURE() << "request " << request;
      return -EINVAL;
    }
    if (!current_.contains(request)) return -EOPNOTSUPP;
    if (request == PTP_SYS_OFFSET_PRECISE) {
      auto* answer = static_cast<ptp_sys_offset_precise*>(argument);
      answer->sys_realtime = Time(kSystemNs);
      answer->device = Time(kSystemNs + kAheadNs);
    } else if (request == PTP_SYS_OFFSET_EXTENDED) {
      FillExtended(static_cast<ptp_sys_offset_extended*>(argument));
    } else {
      FillBasic(static_cast<ptp_sys_offset*>(argument));
    }
    return 0;
  }
  void Close(int fd) const override {
    EXPECT_EQ(fd, 77);
    --open_;
  }

  std::map<std::string, std::set<unsigned long>> devices;
  int open_error = 0;

 private:
  // Brackets of 4000, 3000 … ns; the clock is read in their middle, but for the widest, whose answer is far off.
  static void FillExtended(ptp_sys_offset_extended* answer) {
    for (unsigned i = 0; i < answer->n_samples; ++i) {
      const int64_t width_ns = 1'000 * (static_cast<int64_t>(answer->n_samples) - i);
      const int64_t before_ns = kSystemNs + 100'000 * i;
      answer->ts[i][0] = Time(before_ns);
      answer->ts[i][1] = Time(before_ns + width_ns / 2 + kAheadNs + (i == 0 ? 1'900 : 0));
      answer->ts[i][2] = Time(before_ns + width_ns);
    }
  }
  static void FillBasic(ptp_sys_offset* answer) {
    for (unsigned i = 0; i < answer->n_samples; ++i) {
      answer->ts[2 * i] = Time(kSystemNs + 2'000 * i);
      answer->ts[2 * i + 1] = Time(kSystemNs + 2'000 * i + 1'000 + kAheadNs);
    }
    answer->ts[2 * answer->n_samples] = Time(kSystemNs + 2'000 * answer->n_samples);
  }

  mutable std::set<unsigned long> current_;
  mutable int open_ = 0;
};

class PtpClocksTest : public ::testing::Test {
 protected:
  void AddDevice(const std::string& ptp, const std::set<unsigned long>& requests) {
    tree_.Write("/sys/class/ptp/" + ptp + "/clock_name", "driver of " + ptp + "\n");
    calls_.devices["/dev/" + ptp] = requests;
  }
  PtpClock Only() {
    const std::vector<PtpClock> clocks = ReadPtpClocks(tree_.root(), calls_);
    EXPECT_EQ(clocks.size(), 1u);
    return clocks.empty() ? PtpClock() : clocks[0];
  }
  FixtureTree tree_;
  FakePtpCalls calls_;
};

TEST_F(PtpClocksTest, AHostWithoutAnyHasAnEmptyList) {
  EXPECT_THAT(ReadPtpClocks(tree_.root(), calls_), IsEmpty());
  tree_.MakeDirectory("/sys/class/ptp");
  EXPECT_THAT(ReadPtpClocks(tree_.root(), calls_), IsEmpty());
}

TEST_F(PtpClocksTest, TheBestMethodThatTheDriverHasIsUsed) {
  AddDevice("ptp0", {PTP_SYS_OFFSET_PRECISE, PTP_SYS_OFFSET_EXTENDED, PTP_SYS_OFFSET});
  PtpClock clock = Only();
  EXPECT_EQ(clock.method, "precise");
  EXPECT_EQ(clock.offset_ns, kAheadNs);
  EXPECT_EQ(clock.error_ns, 0);
  calls_.devices["/dev/ptp0"].erase(PTP_SYS_OFFSET_PRECISE);
  clock = Only();
  EXPECT_EQ(clock.method, "extended");
  EXPECT_EQ(clock.offset_ns, kAheadNs) << "the tightest bracket counts";
  EXPECT_EQ(clock.error_ns, 500);
  calls_.devices["/dev/ptp0"].erase(PTP_SYS_OFFSET_EXTENDED);
  clock = Only();
  EXPECT_EQ(clock.method, "basic");
  EXPECT_EQ(clock.offset_ns, kAheadNs);
  EXPECT_EQ(clock.error_ns, 1'000);
}

TEST_F(PtpClocksTest, ADriverThatComparesInNoWayIsListedWithTheReason) {
  AddDevice("ptp0", {});
  const PtpClock clock = Only();
  EXPECT_FALSE(clock.offset_ns.has_value());
  EXPECT_EQ(clock.method, "");
  EXPECT_THAT(clock.reason, HasSubstr("not supported"));
}

TEST_F(PtpClocksTest, ADeviceThatMayNotBeOpenedIsListedWithTheMend) {
  AddDevice("ptp0", {PTP_SYS_OFFSET});
  calls_.open_error = EACCES;
  const PtpClock clock = Only();
  EXPECT_EQ(clock.name, "driver of ptp0");
  EXPECT_FALSE(clock.offset_ns.has_value());
  EXPECT_THAT(clock.reason, HasSubstr("/dev/ptp0: Permission denied"));
  EXPECT_THAT(clock.reason, HasSubstr("DeviceAllow=char-ptp"));
}

TEST_F(PtpClocksTest, EachClockNamesTheInterfacesWhoseTimeStampsItMakes) {
  AddDevice("ptp0", {PTP_SYS_OFFSET_PRECISE});
  AddDevice("ptp1", {PTP_SYS_OFFSET_PRECISE});
  tree_.MakeDirectory("/sys/class/net/enp1s0f0/device/ptp/ptp0");
  tree_.MakeDirectory("/sys/class/net/enp1s0f1/device/ptp/ptp0");
  tree_.MakeDirectory("/sys/class/net/lo");
  const std::vector<PtpClock> clocks = ReadPtpClocks(tree_.root(), calls_);
  ASSERT_EQ(clocks.size(), 2u);
  EXPECT_THAT(clocks[0].interfaces, ElementsAre("enp1s0f0", "enp1s0f1"));
  EXPECT_THAT(clocks[1].interfaces, IsEmpty());
}

}  // namespace
}  // namespace hftmon
