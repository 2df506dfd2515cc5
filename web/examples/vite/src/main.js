import "flantune/define";
