// HostCoalescing: the devices of this host, their interrupts and what these told of. Threads: any but the housekeeping thread; one reads at
// a time, the others wait.
#ifndef HFTMON_DAEMON_HOST_COALESCING_H_
#define HFTMON_DAEMON_HOST_COALESCING_H_

#include <mutex>

#include "daemon/os/file_root.h"
#include "daemon/os/interrupt_coalescing.h"
#include "daemon/service/coalescing_source.h"

namespace hftmon {

class HostCoalescing : public CoalescingSource {
 public:
  HostCoalescing(FileRoot root, ReadCoalescing read_settings) : root_(std::move(root)), read_settings_(std::move(read_settings)) {}

  CoalescingReport Read() const override;

 private:
  DeviceList<InterfaceInterrupts> Interfaces() const;
  DeviceList<BlockDeviceInterrupts> BlockDevices() const;

  const FileRoot root_;
  const ReadCoalescing read_settings_;
  mutable std::mutex mutex_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_HOST_COALESCING_H_
