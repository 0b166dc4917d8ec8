#include "daemon/os/ptp_clocks.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/ptp_clock.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

namespace hftmon {
namespace {

constexpr unsigned kSamples = 5;

int64_t ToNs(const ptp_clock_time& time) {
  return time.sec * 1'000'000'000 + time.nsec;
}

struct Bracket {
  int64_t before_ns;  // CLOCK_REALTIME
  int64_t clock_ns;
  int64_t after_ns;
};

// Keeps the tightest.
void Consider(const Bracket& bracket, PtpClock* clock, int64_t* best_width_ns) {
  const int64_t width_ns = bracket.after_ns - bracket.before_ns;
  if (width_ns < 0 || width_ns >= *best_width_ns) return;
  *best_width_ns = width_ns;
  clock->offset_ns = bracket.clock_ns - (bracket.before_ns + width_ns / 2);
  clock->error_ns = (width_ns + 1) / 2;
}

int ReadPrecise(const PtpCalls& calls, int fd, PtpClock* clock) {
  ptp_sys_offset_precise answer{};
  if (const int error = calls.Control(fd, PTP_SYS_OFFSET_PRECISE, &answer); error != 0) return error;
  clock->method = "precise";
  clock->offset_ns = ToNs(answer.device) - ToNs(answer.sys_realtime);
  return 0;
}

int ReadExtended(const PtpCalls& calls, int fd, PtpClock* clock) {
  ptp_sys_offset_extended answer{};
  answer.n_samples = kSamples;
  if (const int error = calls.Control(fd, PTP_SYS_OFFSET_EXTENDED, &answer); error != 0) return error;
  int64_t best_width_ns = std::numeric_limits<int64_t>::max();
  for (unsigned i = 0; i < std::min(answer.n_samples, kSamples); ++i) {
    Consider({ToNs(answer.ts[i][0]), ToNs(answer.ts[i][1]), ToNs(answer.ts[i][2])}, clock, &best_width_ns);
  }
  if (!clock->offset_ns) return -ERANGE;
  clock->method = "extended";
  return 0;
}

int ReadBasic(const PtpCalls& calls, int fd, PtpClock* clock) {
  ptp_sys_offset answer{};
  answer.n_samples = kSamples;
  if (const int error = calls.Control(fd, PTP_SYS_OFFSET, &answer); error != 0) return error;
  int64_t best_width_ns = std::numeric_limits<int64_t>::max();
  for (unsigned i = 0; i < std::min(answer.n_samples, kSamples); ++i) {
    Consider({ToNs(answer.ts[2 * i]), ToNs(answer.ts[2 * i + 1]), ToNs(answer.ts[2 * i + 2])}, clock, &best_width_ns);
  }
  if (!clock->offset_ns) return -ERANGE;
  clock->method = "basic";
  return 0;
}

void ReadOffset(const PtpCalls& calls, PtpClock* clock) {
  const int fd = calls.Open(clock->device);
  if (fd < 0) {
    clock->reason = fmt::format("{}: {}: run as root, and under systemd with DeviceAllow=char-ptp r", clock->device, std::strerror(-fd));
    return;
  }
  int error = 0;
  for (const auto read : {ReadPrecise, ReadExtended, ReadBasic}) {
    error = read(calls, fd, clock);
    if (error == 0) break;
  }
  calls.Close(fd);
  if (error != 0)
    clock->reason = fmt::format("{}: its driver compares it with the system clock in no way: {}", clock->device, std::strerror(-error));
}

std::vector<std::string> InterfacesOf(const FileRoot& root, const std::string& ptp) {
  std::vector<std::string> interfaces;
  const auto all = root.List("/sys/class/net");
  if (!all.ok()) return interfaces;
  for (const std::string& interface : *all) {
    if (root.Exists(fmt::format("/sys/class/net/{}/device/ptp/{}", interface, ptp))) interfaces.push_back(interface);
  }
  return interfaces;
}

}  // namespace

int SystemPtpCalls::Open(const std::string& path) const {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

int SystemPtpCalls::Control(int fd, unsigned long request, void* argument) const {
  return ::ioctl(fd, request, argument) != 0 ? -errno : 0;
}

void SystemPtpCalls::Close(int fd) const {
  ::close(fd);
}

std::vector<PtpClock> ReadPtpClocks(const FileRoot& root, const PtpCalls& calls) {
  std::vector<PtpClock> clocks;
  const auto names = root.List("/sys/class/ptp");
  if (!names.ok()) return clocks;
  for (const std::string& name : *names) {
    if (clocks.size() == kPtpClocksMax) break;
    PtpClock clock;
    clock.device = "/dev/" + name;
    if (const auto driver = root.ReadFile(fmt::format("/sys/class/ptp/{}/clock_name", name)); driver.ok()) clock.name = Trim(*driver);
    clock.interfaces = InterfacesOf(root, name);
    ReadOffset(calls, &clock);
    clocks.push_back(std::move(clock));
  }
  return clocks;
}

}  // namespace hftmon
