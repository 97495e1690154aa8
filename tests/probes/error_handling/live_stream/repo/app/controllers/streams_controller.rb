class StreamsController < ApplicationController
  include ActionController::Live

  def show
    RubyLLM.chat.ask(params[:text]) { |chunk| response.stream.write(chunk.content) }
  rescue RubyLLM::Error, Faraday::Error => e
    response.stream.write("No answer: #{e.class}")
  ensure
    response.stream.close
  end
end
