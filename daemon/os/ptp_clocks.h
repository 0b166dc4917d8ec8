// PtpClocks: the host's PTP hardware clocks, which make the hardware time stamps of NICs, and how far each is from CLOCK_REALTIME.
//
// Reads: /sys/class/ptp, /sys/class/net/*/device/ptp, and each /dev/ptpN by the best of PTP_SYS_OFFSET_PRECISE, _EXTENDED and
// PTP_SYS_OFFSET that its driver has. Any thread but the housekeeping thread; a reading crosses the bus to the NIC and takes microseconds,
// for some drivers milliseconds. Nothing is kept open, nothing is set.
#ifndef HFTMON_DAEMON_OS_PTP_CLOCKS_H_
#define HFTMON_DAEMON_OS_PTP_CLOCKS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/os/file_root.h"

namespace hftmon {

struct PtpClock {
  std::string device;                   // "/dev/ptp0"
  std::string name;                     // the driver's
  std::vector<std::string> interfaces;  // whose time stamps it makes
  std::string reason;                   // why it could not be read; else empty
  std::string method;                   // precise, extended, basic
  std::optional<int64_t> offset_ns;     // this clock minus CLOCK_REALTIME
  int64_t error_ns = 0;                 // bound of the offset: half the bracket; 0 for precise, where the hardware takes both at once
  int64_t read_mono_ns = 0;             // filled in by the caller
};

// The seam.
class PtpCalls {
 public:
  virtual ~PtpCalls() = default;
  virtual int Open(const std::string& path) const = 0;                           // a file descriptor, or minus errno
  virtual int Control(int fd, unsigned long request, void* argument) const = 0;  // ioctl: 0, or minus errno
  virtual void Close(int fd) const = 0;
};

class SystemPtpCalls final : public PtpCalls {
 public:
  int Open(const std::string& path) const override;
  int Control(int fd, unsigned long request, void* argument) const override;
  void Close(int fd) const override;
};

inline constexpr size_t kPtpClocksMax = 64;

// In the order of their numbers' text; at most kPtpClocksMax. Empty when the host has none.
std::vector<PtpClock> ReadPtpClocks(const FileRoot& root, const PtpCalls& calls);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_PTP_CLOCKS_H_
