class MessagesController < ApplicationController
  def create
    @reply = RubyLLM.chat.ask(params[:text]).content
  rescue RubyLLM::Error => error
    render :failure, locals: { error: }
  end

  def stream
    RubyLLM.chat.ask(params[:text]) { |chunk| response.stream.write(chunk.content) }
  rescue RubyLLM::Error => error
    logger.error(error.message)
  end
end
