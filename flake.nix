{
  description = "Terminal workbench and CLI for GPU cluster recipes: snapshot, resolve, validate, compare";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ];
      each = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
      package = (builtins.fromTOML (builtins.readFile ./Cargo.toml)).package;
    in
    {
      packages = each (pkgs: rec {
        default = aicr;
        aicr = pkgs.rustPlatform.buildRustPackage {
          pname = package.name;
          inherit (package) version;
          src = self;
          cargoLock.lockFile = ./Cargo.lock;
          cargoBuildFlags = [ "--bin" "aicr" ];
          # They start terminals and other programs, which a build of nix does not have.
          doCheck = false;
          nativeBuildInputs = [ pkgs.installShellFiles ];
          # kubectl finds its plugins by this name. Completions and pages are made by the program itself.
          postInstall = ''
            ln -s aicr $out/bin/kubectl-aicr
            installShellCompletion --cmd aicr \
              --bash <($out/bin/aicr completions bash) \
              --zsh <($out/bin/aicr completions zsh) \
              --fish <($out/bin/aicr completions fish)
            mkdir pages
            $out/bin/aicr man > pages/aicr.1
            for verb in $($out/bin/aicr -h | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p'); do
              [ "$verb" = help ] || $out/bin/aicr man "$verb" > "pages/aicr-$verb.1"
            done
            installManPage pages/*
          '';
          meta = {
            inherit (package) description;
            license = nixpkgs.lib.licenses.asl20;
            mainProgram = "aicr";
          };
        };
      });

      devShells = each (pkgs: {
        default = pkgs.mkShell { packages = [ pkgs.cargo pkgs.rustc pkgs.clippy pkgs.rustfmt pkgs.librsvg ]; };
      });
    };
}
