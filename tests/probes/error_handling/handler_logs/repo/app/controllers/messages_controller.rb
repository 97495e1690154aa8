class MessagesController < ApplicationController
  rescue_from StandardError, with: :broken

  def create
    @reply = RubyLLM.chat.ask(params[:text])
  rescue StandardError
    note_failure
    render :failure
  end

  private

  def note_failure
    logger.error($!.message)
  end

  def broken(_error) = render(:failure)
end
