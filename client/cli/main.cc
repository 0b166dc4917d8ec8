#include "client/cli/cli.h"

int main(int argc, char** argv) {
  return hftmon::CliMain(argc, argv);
}
