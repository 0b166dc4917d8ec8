// What a bench says of the machine that it ran on, and what it prepares there for itself alone.
#ifndef HFTMON_TESTS_BENCH_BENCH_HOST_H_
#define HFTMON_TESTS_BENCH_BENCH_HOST_H_

#include <nlohmann/json.hpp>

namespace hftmon::testing {

// {kernel, machine, cpu_model, cpus, date}
nlohmann::json DescribeHost();

// perf and bpftrace need tracefs: mounted for this process and its children alone.
void MountTracefsPrivately();

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_BENCH_BENCH_HOST_H_
