#include "daemon/os/model_registers.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace hftmon {
namespace {

constexpr std::string_view kIntel = "GenuineIntel";

constexpr std::array<ModelRegister, 5> kAllowed = {{
    {"MSR_SMI_COUNT", kIntel, 0x34},
    {"IA32_MPERF", "", 0xe7},
    {"IA32_APERF", "", 0xe8},
    {"IA32_THERM_STATUS", kIntel, 0x19c},
    {"IA32_PACKAGE_THERM_STATUS", kIntel, 0x1b1},
}};

std::string MendOf(int error) {
  switch (error) {
    case ENOENT:
    case ENXIO:
    case ENODEV:
      return "modprobe msr, on x86 and a kernel built with CONFIG_X86_MSR";
    case EPERM:
    case EACCES:
      return "in a drop-in of hftmond.service CapabilityBoundingSet=CAP_SYS_RAWIO and DeviceAllow=char-cpu/msr r; a kernel that is locked "
             "down (/sys/kernel/security/lockdown) refuses it to everybody";
    default:
      return "none: the processor or the hypervisor does not have the register";
  }
}

std::string DevicePath(int cpu) {
  return fmt::format("/dev/cpu/{}/msr", cpu);
}

// -1, and why in the readings.
int OpenDevice(const FileRoot& root, int cpu, ModelRegisterReadings* readings) {
  const std::string path = DevicePath(cpu);
  const int fd = open((root.root() + path).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd >= 0) return fd;
  const int error = errno;
  readings->reason = fmt::format("{}: {}", path, strerror(error));
  readings->mend = MendOf(error);
  return -1;
}

}  // namespace

std::span<const ModelRegister> AllowedModelRegisters() {
  return kAllowed;
}

std::string ProcessorVendorName() {
#if defined(__x86_64__)
  unsigned int highest = 0;
  std::array<unsigned int, 3> words = {};
  if (__get_cpuid(0, &highest, &words[0], &words[2], &words[1]) == 0) return "";
  std::array<char, sizeof(words)> name = {};
  std::memcpy(name.data(), words.data(), sizeof(words));
  return std::string(name.data(), name.size());
#else
  return "";
#endif
}

bool HasHypervisor() {
#if defined(__x86_64__)
  constexpr unsigned int kFeatures = 1;
  constexpr unsigned int kHypervisorBit = 1u << 31;  // of ecx: what no processor sets
  std::array<unsigned int, 4> words = {};
  return __get_cpuid(kFeatures, &words[0], &words[1], &words[2], &words[3]) != 0 && (words[2] & kHypervisorBit) != 0;
#else
  return false;
#endif
}

ModelRegisterReadings CheckModelRegisters(const FileRoot& root, int cpu) {
  ModelRegisterReadings readings;
  if (const int fd = OpenDevice(root, cpu, &readings); fd >= 0) close(fd);
  return readings;
}

ModelRegisterReadings ReadModelRegisters(const FileRoot& root, std::string_view vendor, int cpu) {
  ModelRegisterReadings readings;
  const int fd = OpenDevice(root, cpu, &readings);
  if (fd < 0) return readings;
  for (const ModelRegister& allowed : kAllowed) {
    if (!allowed.vendor.empty() && allowed.vendor != vendor) continue;
    uint64_t value = 0;
    ++readings.cross_call_count;
    errno = EIO;  // what a register that is not there gives; a short read has no error of its own
    if (pread(fd, &value, sizeof(value), allowed.address) == sizeof(value)) {
      readings.values.push_back({allowed.name, allowed.address, value});
      continue;
    }
    if (readings.reason.empty()) {
      readings.mend = MendOf(errno);
      readings.reason = fmt::format("{}: {}: {}", DevicePath(cpu), allowed.name, strerror(errno));
    }
  }
  close(fd);
  return readings;
}

}  // namespace hftmon
