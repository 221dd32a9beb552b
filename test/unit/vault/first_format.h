/* Sealed by a version of this program that wrote the first format of values, with the key below:
 * "hunter2" for anna@example.de at smtp.example.de:587, STARTTLS, organisation 1. */
#pragma once

#define FIRST_FORMAT_INSTANCE "this is instance"
static const char first_format_key[] =
    "absender-key-file 1\nid 000102030405060708090a0b0c0d0e0f\n"
    "key 202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f\n"
    "check dfedaa110def8a67\n";
static const char first_format_value[] =
    "41450101000102030405060708090a0b0c0d0e0f5cc0051170a4feab45ad3e986bc0bc03"
    "03db067cae6a9a42eb310f13e82f1ed3bb61b132fa9795996724104c9be60033823ae9c7"
    "bc12c7589af45e0060a59cf1f81603660a430e1fc59e81a023761cde72d0084734b02279"
    "2fb7f2282a11e0304bd3b2304186eb4714a1ead3f0a9fd8e3aaf9d83ebc6a8cb8916bca4"
    "fccaa3c5d8b1d097cff91d5d91bf531127ab697fab4fcff260443b30ecf9397c58b39d6e"
    "be067bc8d118b638c5b5a1401c866b25766591a8119340df65c8b445d5a8c8154b3ba6f4"
    "949be1b414d3eb00c78957dd024b37d9b3e09f87a96bda72bea739ff35e7d75309170d7c"
    "5fdd971a859bb22ac1ec6aa9d0000abe6af22b4d4f4f93aa970843bec678e9813463a866"
    "7090ef3534ac8d154cf21a3bdb27ec89769b320bb6475cae1460400607b3c888a9d80b0b"
    "eff01f7a38b7d7acc113de99ca82d9550fe8efcaf848adbcaa0fa51d90f3788345e51836"
    "9cc9bf05cc3f7665d4786494d56e1d77cb6e12be9a33e96fdc698fab";
