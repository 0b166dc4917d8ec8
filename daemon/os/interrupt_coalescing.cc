#include "daemon/os/interrupt_coalescing.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace hftmon {

absl::StatusOr<CoalescingSettings> SystemReadCoalescing(const std::string& interface) {
  if (interface.size() >= IFNAMSIZ) return absl::InvalidArgumentError(absl::StrCat("'", interface, "' is no interface's name"));
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return absl::ErrnoToStatus(errno, "a socket to ask drivers through cannot be opened");
  ethtool_coalesce settings{};
  settings.cmd = ETHTOOL_GCOALESCE;
  ifreq request{};
  std::memcpy(request.ifr_name, interface.c_str(), interface.size());
  request.ifr_data = reinterpret_cast<char*>(&settings);
  const int result = ioctl(fd, SIOCETHTOOL, &request);
  const int error = errno;
  close(fd);
  if (result != 0 && error == EOPNOTSUPP) {
    return absl::UnimplementedError(absl::StrCat("the driver of ", interface, " reports no settings"));
  }
  if (result != 0) return absl::ErrnoToStatus(error, absl::StrCat("ETHTOOL_GCOALESCE of ", interface));
  return CoalescingSettings{.rx_usecs = settings.rx_coalesce_usecs,
                            .rx_max_frames = settings.rx_max_coalesced_frames,
                            .tx_usecs = settings.tx_coalesce_usecs,
                            .tx_max_frames = settings.tx_max_coalesced_frames,
                            .adaptive_rx = settings.use_adaptive_rx_coalesce != 0,
                            .adaptive_tx = settings.use_adaptive_tx_coalesce != 0};
}

}  // namespace hftmon
