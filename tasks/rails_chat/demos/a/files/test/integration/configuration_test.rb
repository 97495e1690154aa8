require "test_helper"

class ConfigurationTest < ActiveSupport::TestCase
  test "key and model come from the environment" do
    assert_equal %w[from-env some/model],
                 configured_with("OPENROUTER_API_KEY" => "from-env", "LLM_MODEL" => "some/model")
  end

  test "without them there is no key, and the model is Claude Sonnet" do
    assert_equal [nil, "anthropic/claude-sonnet-4.6"], configured_with("OPENROUTER_API_KEY" => "", "LLM_MODEL" => nil)
  end

  test "the default model is one RubyLLM knows at OpenRouter" do
    assert_equal "openrouter", RubyLLM.models.find("anthropic/claude-sonnet-4.6", :openrouter).provider
  end

  test "Active Record, Action Mailer and Active Job are not loaded" do
    assert_not defined?(ActiveRecord::Base)
    assert_not defined?(ActionMailer::Base)
    assert_not defined?(ActiveJob::Base)
  end

  test "production boots and keeps conversations in files, or in Redis where there is one" do
    assert_equal "ActiveSupport::Cache::FileStore", production_cache_store("REDIS_URL" => nil)
    assert_equal "ActiveSupport::Cache::RedisCacheStore", production_cache_store("REDIS_URL" => "redis://localhost")
  end

  private

  def production_cache_store(variables)
    environment = { "RAILS_ENV" => "production", "SECRET_KEY_BASE" => "0" * 64 }.merge(variables)
    IO.popen(environment, ["bin/rails", "runner", "print Rails.cache.class"], chdir: Rails.root, &:read)
  end

  # Loads the initializer under another environment and puts everything back.
  def configured_with(variables)
    before = ENV.to_h
    ENV.update(variables)
    load_initializer
    [RubyLLM.config.openrouter_api_key, RubyLLM.config.default_model]
  ensure
    ENV.replace(before)
    load_initializer
  end

  def load_initializer = load(Rails.root.join("config/initializers/ruby_llm.rb"))
end
