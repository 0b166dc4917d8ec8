#include "daemon/stacks/kernel_symbols.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace hftmon {
namespace {

using ::testing::HasSubstr;

class KernelSymbolsTest : public ::testing::Test {
 protected:
  StackPart Symbolise(const std::string& kallsyms, std::vector<uint64_t> addresses) {
    const std::string path = ::testing::TempDir() + "kallsyms";
    std::ofstream(path) << kallsyms;
    return KernelSymbols(path).Symbolise(addresses);
  }
};

TEST_F(KernelSymbolsTest, AnAddressBelongsToTheSymbolBeforeIt) {
  const StackPart part = Symbolise("ffff0200 T later\nffff0100 t earlier\nffff0180 d data\n", {0xffff0190, 0xffff0200, 0x10});
  ASSERT_EQ(part.frames.size(), 3u);
  EXPECT_EQ(part.frames[0].symbol, "earlier");
  EXPECT_EQ(part.frames[0].symbol_offset, 0x90u);
  EXPECT_EQ(part.frames[1].symbol, "later");
  EXPECT_EQ(part.frames[2].symbol, "");
}

TEST_F(KernelSymbolsTest, HiddenAddressesAreNotShownAndSayWhy) {
  const StackPart part = Symbolise("0000000000000000 T hidden\n", {0xffff0190});
  EXPECT_EQ(part.state, StackState::kUnavailable);
  EXPECT_THAT(part.reason, HasSubstr("kptr_restrict"));
  EXPECT_TRUE(part.frames.empty());
}

}  // namespace
}  // namespace hftmon
