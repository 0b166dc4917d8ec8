// AUX memory of Arm SPE under a kernel and hardware out to harm: bytes that are noise or spoilt, records of places that cannot be, heads
// anywhere. Reading never crashes, always ends, adds up, and a sound stretch afterwards is read whole.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "daemon/pmu/memory_sampler.h"
#include "tests/common/perf/spe_writer.h"
#include "tests/fakes/fake_sampling_events.h"

namespace hftmon {
namespace {

constexpr uint64_t kRounds = 2'000;
constexpr pid_t kProcess = 500;
constexpr size_t kAuxPages = 4;

Bytes Trace(uint64_t count) {
  SpeWriter to;
  for (uint64_t i = 0; i < count; ++i) Write({.code = 0x402000, .data = 0x7f0000001040u, .cycles = 1 + i, .source = 9}, &to);
  return to.bytes();
}

void Harm(PerfAuxWriter* aux, PerfRingWriter* ring, std::mt19937_64* random) {
  const auto below = [random](uint64_t limit) { return (*random)() % limit; };
  const WrittenSample who{.pid = kProcess, .tid = kProcess, .cpu = 1};
  switch (below(6)) {
    case 0:
      aux->TellOf(below(2) == 0 ? (*random)() : aux->tail() + below(9'000), below(2) == 0 ? (*random)() : below(9'000), below(16), who);
      return;
    case 1:
      aux->SetHead(below(2) == 0 ? (*random)() : aux->tail() + below(40'000) - 10'000);
      return;
    case 2:
      ring->SetHead(ring->tail() + 8 * below(600));
      return;
    case 3:
      aux->Pad(below(500));
      return;
    default: {
      Bytes bytes = Trace(1 + below(60));
      for (uint64_t harm = below(6); harm > 0; --harm) bytes[below(bytes.size())] = static_cast<std::byte>((*random)());
      bytes.resize(bytes.size() - below(60));
      aux->Write(bytes, who, below(4) == 0 ? below(16) : 0);
    }
  }
}

TEST(SpeLiveFuzz, HarmEndsAndAddsUpAndReadingGoesOn) {
  for (uint64_t seed = 0; seed < kRounds && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    FakeSamplingEvents kernel;
    kernel.threads = {kProcess};
    SampledEvent event{.name = "arm_spe_0//", .spe = SpeSourceEncoding::kArm};
    event.attributes.sample_period = 1'024;
    event.attributes.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU;
    const auto list = [&kernel](pid_t) { return kernel.List(); };
    auto sampler =
        MemorySampler::OpenProcess(kernel, kernel, list, kProcess, std::vector{event}, {.ring_pages = 1, .aux_pages = kAuxPages});
    ASSERT_TRUE(sampler.ok()) << sampler.status();
    ASSERT_TRUE(sampler->Enable().ok());
    uint64_t accesses = 0;
    const auto take = [&accesses](const MemoryAccess& access) { accesses += access.tid == kProcess ? 1 : 0; };
    for (int step = 0; step < 40; ++step) {
      Harm(&kernel.AuxOf(kProcess), &kernel.RingOf(kProcess), &random);
      if (random() % 2 == 0) sampler->Drain(1 + random() % 50, take);
    }
    // Twice: what the head has not passed is kept for one reading.
    for (int i = 0; i < 3; ++i) sampler->Drain(10'000, take);
    const MemorySamplerCounts counts = sampler->counts();
    EXPECT_EQ(counts.traced.access_count, accesses);
    EXPECT_EQ(counts.traced.read.records, accesses);
    EXPECT_LE(counts.traced.read.skipped_bytes, counts.traced.aux.read_bytes);
    EXPECT_LE(counts.traced.aux.untold_bytes, counts.traced.aux.read_bytes);
    PerfAuxWriter& aux = kernel.AuxOf(kProcess);
    aux.SetHead((aux.tail() | 63) + 1);
    sampler->Drain(10'000, take);
    accesses = 0;
    ASSERT_TRUE(aux.Write(Trace(9), {.pid = kProcess, .tid = kProcess, .cpu = 1}));
    sampler->Drain(10'000, take);
    EXPECT_EQ(accesses, 9u);
  }
}

}  // namespace
}  // namespace hftmon
