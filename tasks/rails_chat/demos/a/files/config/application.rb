require_relative "boot"

require "rails"
require "active_support/core_ext/integer/time"
# No Active Record, Action Mailer, Active Job or Action Cable: a chat needs none of them.
require "active_model/railtie"
require "action_controller/railtie"
require "action_view/railtie"
require "rails/test_unit/railtie"

Bundler.require(*Rails.groups)

module Lantern
  class Application < Rails::Application
    config.load_defaults 7.2
    config.autoload_lib(ignore: %w[assets tasks])

    # Conversations live in the cache store, so it has to outlast restarts and be shared by all workers:
    # files under storage/ on one machine, Redis on several. Rails 7.2 cannot build a pool with connection_pool 3, and
    # one connection is plenty for two short commands a turn.
    config.cache_store =
      if ENV["REDIS_URL"].present?
        [:redis_cache_store, { url: ENV["REDIS_URL"], namespace: "lantern", pool: false }]
      else
        [:file_store, Rails.root.join("storage/cache")]
      end

    # The cookie holds the conversation's id, never the conversation; it lives as long as the conversation does.
    config.session_store :cookie_store, key: "_lantern_session", expire_after: 7.days

    # The Tailwind source is compiled to app/assets/builds and is not served itself.
    config.assets.excluded_paths << Rails.root.join("app/assets/tailwind")

    config.generators.system_tests = nil
  end
end
