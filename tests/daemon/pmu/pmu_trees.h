// Hosts as the kernel describes their PMUs in sysfs, with the texts that such hosts show.
#ifndef HFTMON_TESTS_DAEMON_PMU_PMU_TREES_H_
#define HFTMON_TESTS_DAEMON_PMU_PMU_TREES_H_

#include <fmt/format.h>

#include <map>
#include <string>
#include <string_view>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {

using SysfsTexts = std::map<std::string, std::string>;

inline void WritePmu(const FixtureTree& host, std::string_view name, const SysfsTexts& files) {
  for (const auto& [file, text] : files) host.Write(fmt::format("/sys/bus/event_source/devices/{}/{}", name, file), text + "\n");
}

// What every Linux host has.
inline void WriteKernelPmus(const FixtureTree& host) {
  WritePmu(host, "software", {{"type", "1"}});
  WritePmu(host, "msr", {{"type", "9"}, {"format/event", "config:0-63"}, {"events/tsc", "event=0x00"}});
}

inline SysfsTexts IntelFormats() {
  return {{"format/event", "config:0-7"},        {"format/umask", "config:8-15"},  {"format/edge", "config:18"},
          {"format/any", "config:21"},           {"format/inv", "config:23"},      {"format/cmask", "config:24-31"},
          {"format/in_tx", "config:32"},         {"format/ldlat", "config1:0-15"}, {"format/frontend", "config1:0-23"},
          {"format/offcore_rsp", "config1:0-63"}};
}

// Skylake-SP with two sockets.
inline void WriteIntelServer(const FixtureTree& host) {
  WriteKernelPmus(host);
  WritePmu(host, "cpu", IntelFormats());
  WritePmu(host, "cpu",
           {{"type", "4"},
            {"caps/max_precise", "3"},
            {"events/cpu-cycles", "event=0x3c"},
            {"events/cache-misses", "event=0x2e,umask=0x41"},
            {"events/mem-loads", "event=0xcd,umask=0x1,ldlat=3"},
            {"events/mem-stores", "event=0xd0,umask=0x82"}});
  WritePmu(host, "uncore_imc_0",
           {{"type", "13"},
            {"cpumask", "0,16"},
            {"format/event", "config:0-7"},
            {"format/umask", "config:8-15"},
            {"events/cas_count_read", "event=0x04,umask=0x03"},
            {"events/cas_count_read.scale", "6.103515625e-5"},
            {"events/cas_count_read.unit", "MiB"}});
}

// Alder Lake.
inline void WriteHybrid(const FixtureTree& host) {
  WriteKernelPmus(host);
  WritePmu(host, "cpu_core", IntelFormats());
  WritePmu(host, "cpu_core",
           {{"type", "4"},
            {"cpus", "0-15"},
            {"caps/max_precise", "3"},
            {"events/cpu-cycles", "event=0x3c"},
            {"events/mem-loads", "event=0xcd,umask=0x1,ldlat=3"}});
  WritePmu(host, "cpu_atom",
           {{"type", "10"},
            {"cpus", "16-23"},
            {"caps/max_precise", "3"},
            {"format/event", "config:0-7"},
            {"format/umask", "config:8-15"},
            {"format/cmask", "config:24-31"},
            {"events/cpu-cycles", "event=0x3c"}});
}

// Zen 3 with two core complexes.
inline void WriteAmd(const FixtureTree& host) {
  WriteKernelPmus(host);
  WritePmu(host, "cpu",
           {{"type", "4"},
            {"caps/max_precise", "0"},
            {"format/event", "config:0-7,32-35"},
            {"format/umask", "config:8-15"},
            {"format/edge", "config:18"},
            {"format/inv", "config:23"},
            {"format/cmask", "config:24-31"},
            {"events/cpu-cycles", "event=0x76"}});
  WritePmu(host, "amd_l3",
           {{"type", "11"},
            {"cpumask", "0,8"},
            {"format/event", "config:0-7"},
            {"format/umask", "config:8-15"},
            {"format/slicemask", "config:48-51"}});
  WritePmu(host, "ibs_op", {{"type", "10"}, {"format/cnt_ctl", "config:19"}});
}

// A sampling unit as the kernel's driver lists it on a Neoverse N1.
inline void WriteSpe(const FixtureTree& host, const std::string& name, const std::string& type, const std::string& cpus) {
  WritePmu(host, name,
           {{"type", type},
            {"cpumask", cpus},
            {"caps/arch_inst", "0"},
            {"caps/ernd", "0"},
            {"caps/count_size", "12"},
            {"caps/min_interval", "1024"},
            {"format/ts_enable", "config:0"},
            {"format/pa_enable", "config:1"},
            {"format/pct_enable", "config:2"},
            {"format/jitter", "config:16"},
            {"format/branch_filter", "config:32"},
            {"format/load_filter", "config:33"},
            {"format/store_filter", "config:34"},
            {"format/event_filter", "config1:0-63"},
            {"format/min_latency", "config2:0-11"}});
}

// A cortex-a57 that has two of the common events alone, with a sampling unit.
inline void WriteArm(const FixtureTree& host) {
  WriteKernelPmus(host);
  WritePmu(host, "armv8_pmuv3",
           {{"type", "8"},
            {"cpus", "0-1"},
            {"format/event", "config:0-15"},
            {"format/long", "config1:0"},
            {"events/cpu_cycles", "event=0x0011"},
            {"events/inst_retired", "event=0x0008"}});
  WriteSpe(host, "arm_spe_0", "12", "0-1");
}

// Two kinds of Arm core.
inline void WriteBigLittle(const FixtureTree& host) {
  WriteKernelPmus(host);
  const SysfsTexts common = {{"format/event", "config:0-15"}, {"events/cpu_cycles", "event=0x0011"}};
  WritePmu(host, "armv8_cortex_a53", common);
  WritePmu(host, "armv8_cortex_a53", {{"type", "8"}, {"cpus", "0-3"}});
  WritePmu(host, "armv8_cortex_a72", common);
  WritePmu(host, "armv8_cortex_a72", {{"type", "9"}, {"cpus", "4-5"}, {"events/l1d_cache_refill", "event=0x0003"}});
}

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_PMU_PMU_TREES_H_
