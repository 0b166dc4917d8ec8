// The configuration's parser under random bytes, and under a sound file with random damage: it never crashes, and it never takes what is
// out of range.
#include <gtest/gtest.h>

#include <random>

#include "daemon/config_file.h"
#include "daemon/config_flags.h"
#include "daemon/config_settings.h"

namespace hftmon {
namespace {

constexpr int kRounds = 20'000;

// What holds after any parse.
void ExpectBounded(const std::string& text, uint32_t seed) {
  Config config;
  const std::vector<ConfigFault> faults = ParseConfigText(text, &config);
  ASSERT_LE(faults.size(), kFaultsMax) << "seed " << seed;
  for (const ConfigFault& fault : faults) ASSERT_FALSE(fault.text.empty()) << "seed " << seed;
  if (!faults.empty()) return;
  for (const Setting& setting : Settings()) {
    if (setting.number == nullptr) continue;
    const int64_t value = setting.number(config);
    ASSERT_TRUE(value >= setting.min && value <= setting.max) << setting.name << " is " << value << ", seed " << seed;
  }
}

std::string EverySetting() {
  std::string text = ExampleConfig();
  for (const Setting& setting : Settings()) {
    const std::string commented = "\n#" + std::string(setting.name) + ":";
    text.erase(text.find(commented) + 1, 1);
  }
  return text;
}

TEST(ConfigFuzz, RandomBytesAreRefusedOrHarmless) {
  for (uint32_t seed = 0; seed < kRounds; ++seed) {
    std::mt19937 random(seed);
    std::string text(random() % 400, '\0');
    for (char& c : text) c = static_cast<char>(random());
    ExpectBounded(text, seed);
  }
}

TEST(ConfigFuzz, ADamagedFileIsRefusedOrWithinItsRanges) {
  const std::string sound = EverySetting();
  const std::string pieces[] = {"{",  "}",    "[",  "]", "<", ">", "\"", "'", ":", "#", "\n", "-", "9", "99999999999999999999",
                                "\\", "1e99", "nan"};
  for (uint32_t seed = 0; seed < kRounds / 10; ++seed) {
    std::mt19937 random(seed);
    std::string text = sound;
    for (uint32_t damage = 1 + random() % 8; damage > 0; --damage) {
      const size_t at = random() % text.size();
      if (random() % 2 == 0) text.erase(at, 1 + random() % 20);
      text.insert(std::min(at, text.size()), pieces[random() % std::size(pieces)]);
    }
    ExpectBounded(text, seed);
  }
}

TEST(ConfigFuzz, NestingAsDeepAsAFileCanBeIsRefused) {
  for (const std::string_view piece : {"a{", "a:[", "a<", "listen:[", "[a.b/c]{"}) {
    std::string text;
    while (text.size() + piece.size() <= kConfigBytesMax) text += piece;
    Config config;
    EXPECT_FALSE(ParseConfigText(text, &config).empty()) << piece;
  }
}

}  // namespace
}  // namespace hftmon
