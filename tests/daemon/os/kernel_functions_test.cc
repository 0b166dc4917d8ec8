#include "daemon/os/kernel_functions.h"

#include <gmock/gmock.h>

#include <vector>

#include "tests/daemon/os/fixture_tree.h"

namespace hftmon {
namespace {

using ::testing::HasSubstr;

constexpr char kSymbols[] =
    "ffffffff81000000 T startup_64\n"
    "ffffffff81000100 d some_data\n"
    "ffffffff81000200 t flush_to_ldisc\n"
    "ffffffff81000200 t __pfx_alias\n"
    "ffffffffc0001000 t mlx5_work\t[mlx5_core]\n";

TEST(KernelFunctionsTest, FunctionsThatBeginThereHaveTheirNamesAndTheRestTheirAddress) {
  FixtureTree tree;
  tree.Write("/proc/kallsyms", kSymbols);
  KernelFunctions functions(tree.root());
  EXPECT_EQ(functions.NameOf(0xffffffff81000200), "0xffffffff81000200") << "it was not learned yet";
  functions.Learn(std::vector<uint64_t>{0xffffffff81000200, 0xffffffff81000100, 0xffffffffc0001000, 0xffffffff81000204});
  EXPECT_EQ(functions.NameOf(0xffffffff81000200), "flush_to_ldisc");
  EXPECT_EQ(functions.NameOf(0xffffffffc0001000), "mlx5_work");
  EXPECT_EQ(functions.NameOf(0xffffffff81000100), "0xffffffff81000100") << "data is no function";
  EXPECT_EQ(functions.NameOf(0xffffffff81000204), "0xffffffff81000204") << "it is within one";
  EXPECT_EQ(functions.problem(), "");
}

TEST(KernelFunctionsTest, TheFileIsReadForNewAddressesOnly) {
  FixtureTree tree;
  tree.Write("/proc/kallsyms", kSymbols);
  KernelFunctions functions(tree.root());
  functions.Learn(std::vector<uint64_t>{0xffffffff81000200, 5});
  tree.Write("/proc/kallsyms", "ffffffff81000200 t another\n0000000000000005 t five\n");
  functions.Learn(std::vector<uint64_t>{0xffffffff81000200, 5});
  EXPECT_EQ(functions.NameOf(0xffffffff81000200), "flush_to_ldisc");
  EXPECT_EQ(functions.NameOf(5), "0x5");
}

TEST(KernelFunctionsTest, HiddenAddressesAreAProblemUntilTheyAreShown) {
  FixtureTree tree;
  tree.Write("/proc/kallsyms", "0000000000000000 T startup_64\n");
  KernelFunctions functions(tree.root());
  functions.Learn(std::vector<uint64_t>{0xffffffff81000200});
  EXPECT_THAT(functions.problem(), HasSubstr("give hftmond CAP_SYSLOG"));
  tree.Write("/proc/kallsyms", kSymbols);
  functions.Learn(std::vector<uint64_t>{0xffffffff81000200});
  EXPECT_EQ(functions.problem(), "");
  EXPECT_EQ(functions.NameOf(0xffffffff81000200), "flush_to_ldisc");
}

TEST(KernelFunctionsTest, WithoutTheFileTheProblemNamesIt) {
  FixtureTree tree;
  KernelFunctions functions(tree.root());
  functions.Learn(std::vector<uint64_t>{7});
  EXPECT_THAT(functions.problem(), HasSubstr("/proc/kallsyms"));
  EXPECT_EQ(functions.NameOf(7), "0x7");
}

}  // namespace
}  // namespace hftmon
