class ApplicationController < ActionController::Base
  before_action { render plain: "No key", status: 503 if ENV["OPENROUTER_API_KEY"].to_s.strip.empty? }
end
