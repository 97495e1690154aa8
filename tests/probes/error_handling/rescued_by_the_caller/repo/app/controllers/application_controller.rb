class ApplicationController < ActionController::Base
  rescue_from RubyLLM::Error, Faraday::Error, with: :provider_failed

  private

  def provider_failed(error)
    redirect_to root_path, alert: "The assistant is not available: #{error.message}"
  end
end
